"""Everything that the laboratory says, in English and in Korean: texts.json, key -> language -> text."""

import json
import re
from pathlib import Path

LANGUAGES = ("en", "ko")


class Texts(dict):
    """The texts of one language by their keys."""

    def name(self, label):
        """A label of an axis in this language. Numbers, tokens and names of models stay as they are."""
        return ", ".join(self.get(f"name.{part}", part) for part in str(label).split(", "))


def read_texts(language):
    """Texts of one of LANGUAGES."""
    path = Path(__file__).with_name("texts.json")
    table = json.loads(path.read_text(encoding="utf-8"))
    return Texts({key: texts[language] for key, texts in table.items()})


def fill(name, parts):
    """A file beside this one with each {{part}} put in."""
    template = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return re.sub(r"\{\{(.+?)\}\}", lambda found: parts[found[1]], template)
