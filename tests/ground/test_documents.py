"""What the documents name exists: a path that moved takes its sentence along."""

import re
from itertools import chain
from pathlib import Path

import pytest

BASE = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = sorted(chain([BASE / "README.md"], BASE.glob("docs/**/*.md")))
NAMED = re.compile(r"`((?:club|tests|simulators|bench|docs|locale|requirements)/[\w./*{},-]*)`")
LINKED = re.compile(r"\]\((?!https?:)([^)#]+)")
FUNCTION = re.compile(r"`((?:club|simulators)/[\w/]+\.py)`: `(\w+)`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(BASE)))
def test_every_path_that_a_document_names_exists(document: Path):
    text = document.read_text(encoding="utf-8")
    gone = [name for name in NAMED.findall(text) if not exists(name)]
    gone += [link for link in LINKED.findall(text) if not (document.parent / link).exists()]
    gone += [
        f"{file}: {function}"
        for file, function in FUNCTION.findall(text)
        if not re.search(rf"^(async )?def {function}\b", (BASE / file).read_text("utf-8"), re.M)
    ]
    assert gone == []


def test_the_documents_do_name_paths():
    named = [NAMED.findall(document.read_text(encoding="utf-8")) for document in DOCUMENTS]
    assert len(list(chain(*named))) > 30


def exists(name: str) -> bool:
    """A name may hold a wildcard or a choice in braces: every choice has to be there."""
    if "{" in name:
        before, _, rest = name.partition("{")
        choices, _, after = rest.partition("}")
        return all(exists(f"{before}{choice.strip()}{after}") for choice in choices.split(","))
    return any(BASE.glob(name)) if "*" in name else (BASE / name).exists()
