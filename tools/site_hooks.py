"""What the documentation site has beside its pages: reference from the code, and links that leave the pages.

Pages are read on the site and in the repository. A link out of docs/, to a manifest or a module, leads to a file in the
repository; the site, which lacks such a file, shows its path. Whether it exists is checked here, so that `make docs`
finds links that lead nowhere. `<!-- generated: name -->` becomes what `GENERATED` makes of the code.
"""

import argparse
import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PICTURES = ROOT / "benchmarks" / "results"  # which pages show, and which lie on the site beside them
_LINK = re.compile(r"(?<!!)\[(?P<text>(?:[^\[\]]|`[^`]*`)+)\]\((?P<target>[^)\s]+)\)")
_MARK = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)


def on_files(files: Files, *, config: Any) -> Files:
    """mkdocs' hook: what the site is made of."""
    for path in [*PICTURES.glob("*.jpg"), *PICTURES.glob("*.png")]:
        files.append(File.generated(config, f"measured/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: object) -> str:
    """mkdocs' hook: a page's text before it is rendered."""
    source = Path(page.file.abs_src_path)
    markdown = re.sub(r"(!\[.*?\]\()\.\./benchmarks/results/", r"\1measured/", markdown)
    text = _LINK.sub(lambda match: _led(match, source), markdown)
    return _MARK.sub(lambda match: GENERATED[match[1]](), text)


def _led(match: re.Match[str], page: Path) -> str:
    """A link as the site has it."""
    target = match["target"].partition("#")[0]
    if not target or "://" in target:
        return match[0]
    path = (page.parent / target).resolve()
    if not path.exists():
        raise PluginError(f"{page.relative_to(ROOT)}: {match['target']} leads nowhere.")
    if path.is_file() and path.is_relative_to(DOCS) and not path.is_relative_to(DOCS / "clients"):
        return match[0]
    where = path.relative_to(ROOT)
    return match["text"] if str(where) in match["text"] else f"{match['text']} (`{where}`)"


def command_line() -> str:
    """Every command with its help."""
    from tfstyle.cli import COMMANDS

    parts = []
    for name, short in COMMANDS.items():
        module = importlib.import_module(f"tfstyle.commands.{name.replace('-', '_')}")
        parser = argparse.ArgumentParser(
            prog=f"tfstyle {name}",
            description=module.__doc__,
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=100),
            add_help=not getattr(module, "PASS_ON", False),
        )
        if getattr(module, "PASS_ON", False):  # the server's own parser has the flags
            from serving.config.flags import Parser, add_arguments

            parser = Parser(prog=f"tfstyle {name}", description=module.__doc__)
            add_arguments(parser)
        else:
            module.add_arguments(parser)
        parts.append(
            f"## tfstyle {name}\n\n{short[0].upper()}{short[1:]}.\n\n```text\n{parser.format_help().rstrip()}\n```\n"
        )
    return "\n".join(parts)


def settings() -> str:
    """Every variable of the bot with its default and meaning."""
    from bot.settings import PREFIX, Settings

    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.is_required() else str(field.get_default(call_default_factory=True))
        lines.append(f"| `{PREFIX}{name.upper()}` | {f'`{default}`' if default else ''} | {field.description} |")
    return "\n".join(lines)


def signatures() -> str:
    """Every tensor of the wire contract."""
    from tfstyle.contract.signatures import SIGNATURES

    parts = []
    for signature in SIGNATURES.values():
        lines = [f"## {signature.name}\n", "| | name | dtype | shape | meaning |", "|---|---|---|---|---|"]
        for side, tensors in (("in", signature.inputs), ("out", signature.outputs)):
            for name, info in tensors.items():
                shape = ", ".join("any" if size is None else str(size) for size in info.shape)
                lines.append(f"| {side} | `{name}` | {info.dtype} | [{shape}] | {info.meaning} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


GENERATED: dict[str, Callable[[], str]] = {"command_line": command_line, "settings": settings, "signatures": signatures}
