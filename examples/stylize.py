"""A photo in a style, in a blend of two, and in two styles by place: python examples/stylize.py [PHOTO]"""

import sys
from pathlib import Path

import tfstyle

SAMPLE = Path(tfstyle.__file__).parent / "assets" / "astronaut.jpg"
photo = sys.argv[1] if len(sys.argv) > 1 else SAMPLE

stylizer = tfstyle.Stylizer()  # the newest released model, in this process
print(", ".join(style.name for style in stylizer.styles()))

stylizer.stylize(photo, "great_wave").save("wave.jpg")
stylizer.stylize(photo, "starry_night:60,the_scream:40", strength=0.8, preserve_color=True).save("blend.jpg")
stylizer.stylize(photo, regions="left=the_scream,right=starry_night", fade=0.3).save("regions.jpg")
