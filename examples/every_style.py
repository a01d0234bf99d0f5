"""A photo in every style of a server at once: python examples/every_style.py localhost:8500 [PHOTO]

`tfstyle serve` starts a server; TensorFlow Serving with the model of saved_models/ is one, too.
"""

import asyncio
import sys
from pathlib import Path

import tfstyle
from serving.client import AsyncStyleClient

SAMPLE = Path(tfstyle.__file__).parent / "assets" / "astronaut.jpg"


async def main(address: str, photo: Path) -> None:
    async with AsyncStyleClient(address, wait_for_ready=True) as client:

        async def stylize(style: str) -> None:
            stylized = await client.stylize_encoded(photo, style, format="jpeg")
            Path(f"{style}.jpg").write_bytes(stylized.data)
            print(f"{style}.jpg", stylized.width, stylized.height)

        await asyncio.gather(*(stylize(style.name) for style in await client.styles()))


asyncio.run(main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else SAMPLE))
