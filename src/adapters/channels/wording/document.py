"""Markdown read into runs: its structure as lines, its formatting as the marks of a platform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import regex
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.tree import SyntaxTreeNode

from adapters.channels.wording.runs import Mark, Run, Words, words_of

INDENT = "  "
RULE = "———"
NESTING_MAX = 100

_ADDRESS = regex.compile(r"://[^\s<>\[\]]*[^\s<>\[\]*_~`.,;:!?)\"']")


def _bare_address(state: StateInline, silent: bool) -> bool:
    """An address in the running text is text to its end: its asterisks and underscores format nothing."""
    found = _ADDRESS.match(state.src, state.pos)
    if found is None or not state.src.endswith(("http", "https"), 0, state.pos):
        return False
    if not silent:
        state.pending += found[0]
    state.pos = found.end()
    return True


# Off: what models do not mean when they write it, and what would swallow text (definitions of links).
_MARKDOWN = (
    MarkdownIt("commonmark", {"html": False, "maxNesting": NESTING_MAX})
    .enable(["table", "strikethrough"])
    .disable(["lheading", "code", "reference"])
)
_MARKDOWN.inline.ruler.before("text", "bare_address", _bare_address)


NOTHING = Mark()


@dataclass(frozen=True, slots=True)
class Style:
    """What a platform has for each kind of formatting; NOTHING where it has none."""

    bold: Mark = NOTHING
    italic: Mark = NOTHING
    struck: Mark = NOTHING
    code: Mark = NOTHING
    quote: Mark = NOTHING


def read(markdown: str, style: Style) -> Words:
    """The text with the marks of that style."""
    return words_of(_Reader(style).blocks(SyntaxTreeNode(_MARKDOWN.parse(markdown)).children, "\n\n", ()))


class _Reader:
    def __init__(self, style: Style) -> None:
        self._style = style
        self._links = count(1)

    def blocks(self, nodes: Sequence[SyntaxTreeNode], between: str, marks: tuple[Mark, ...]) -> Iterator[Run]:
        """The blocks one after the other, with `between` in between."""
        for number, node in enumerate(nodes):
            if number:
                yield Run(between, marks)
            yield from self._block(node, marks)

    def _block(self, node: SyntaxTreeNode, marks: tuple[Mark, ...]) -> Iterator[Run]:
        match node.type:
            case "heading":
                yield from self._inlines(node, _with(marks, self._style.bold))
            case "fence":
                yield Run(node.content.rstrip("\n"), (*marks, self._style.code))
            case "hr":
                yield Run(RULE, marks)
            case "blockquote":
                yield from self.blocks(node.children, "\n", (*marks, self._style.quote))
            case "bullet_list" | "ordered_list":
                yield from self.blocks(node.children, "\n", marks)
            case "list_item":
                yield from self._item(node, marks)
            case "table":
                yield from self.blocks([row for part in node.children for row in part.children], "\n", marks)
            case "tr":
                yield from self._row(node, marks)
            case _:
                yield from self._inlines(node, marks)

    def _item(self, node: SyntaxTreeNode, marks: tuple[Mark, ...]) -> Iterator[Run]:
        """An entry of a list; whatever else stands in it is indented below."""
        yield Run(f"{node.info}{node.markup} " if node.info else "- ", marks)
        for run in self.blocks(node.children, "\n", marks):
            yield replace(run, text=run.text.replace("\n", f"\n{INDENT}"))

    def _row(self, node: SyntaxTreeNode, marks: tuple[Mark, ...]) -> Iterator[Run]:
        for number, cell in enumerate(node.children):
            if number:
                yield Run(" | ", marks)
            yield from self._inlines(cell, _with(marks, self._style.bold) if cell.type == "th" else marks)

    def _inlines(self, node: SyntaxTreeNode, marks: tuple[Mark, ...], link: int | None = None) -> Iterator[Run]:
        for child in node.children:
            yield from self._inline(child, marks, link)

    def _inline(self, node: SyntaxTreeNode, marks: tuple[Mark, ...], link: int | None) -> Iterator[Run]:
        style = self._style
        match node.type:
            case "softbreak" | "hardbreak":
                yield Run("\n", tuple(mark for mark in marks if mark.is_block), link)
            case "strong":
                yield from self._inlines(node, _with(marks, style.bold), link)
            case "em":
                yield from self._inlines(node, _with(marks, style.italic), link)
            case "s":
                yield from self._inlines(node, _with(marks, style.struck), link)
            case "code_inline":
                yield Run(node.content, (*marks, style.code), link)
            case "link":
                yield from self._link(node, marks)
            case "image":
                yield Run(str(node.attrs.get("src", "")) or node.content, marks, link)
            case "text":
                yield Run(node.content, marks, link)
            case _:
                yield from self._inlines(node, marks, link)

    def _link(self, node: SyntaxTreeNode, marks: tuple[Mark, ...]) -> Iterator[Run]:
        """Its text and its address, or the address alone when the text says the same."""
        link, address = next(self._links), str(node.attrs.get("href", ""))
        runs = list(self._inlines(node, marks, link))
        text = "".join(run.text for run in runs)
        if not address:
            yield from runs
        elif _bare(text) == _bare(address):
            yield Run(text if address.startswith(("mailto:", "tel:")) else address, marks, link)
        else:
            yield from runs
            yield Run(f" ({address})" if text else address, marks, link)


def _with(marks: tuple[Mark, ...], mark: Mark) -> tuple[Mark, ...]:
    return marks if mark in marks else (*marks, mark)


def _bare(address: str) -> str:
    for scheme in ("https://", "http://", "mailto:", "tel:"):
        address = address.removeprefix(scheme)
    return address.rstrip("/")
