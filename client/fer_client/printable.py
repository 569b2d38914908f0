"""Names of files as text that any table and any terminal takes, and counts of things."""

import unicodedata

_UNSAFE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Controls, bytes that are not UTF-8, and separators of lines and paragraphs (Unicode's general categories)."""

_INVISIBLE = frozenset("\u200b\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""What turns the order of the text around it, so that `gpj.exe` reads as `exe.jpg`, or makes two names look the same.
Joiners, which emoji and many scripts need, stay."""


def printable(text: str, kept: str = "") -> str:
    r"""Write what a table or a terminal would take for more than a character as an escape: `\r`, `\x1b`, `\xff`.

    The characters `kept`, such as a line's end, stay.
    """
    if text.isprintable():  # which says no to all that is unsafe, and to some that is not
        return text
    return "".join(_escaped(character) if _is_unsafe(character, kept) else character for character in text)


def _is_unsafe(character: str, kept: str) -> bool:
    if character in kept:
        return False
    return character in _INVISIBLE or unicodedata.category(character) in _UNSAFE


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte that os.fsdecode could not read
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def counted(count: int, noun: str) -> str:
    """Write a count with its noun: `1 face`, `2 faces`."""
    return f"{count} {noun if count == 1 else f'{noun}s'}"
