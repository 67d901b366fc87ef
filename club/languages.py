"""The five languages of the programme, as codes of ours and as Django knows them."""

UZBEK, UZBEK_CYRILLIC, RUSSIAN, KARAKALPAK, ENGLISH = "uz", "uz-cyrl", "ru", "kaa", "en"
LANGUAGES = (
    (UZBEK, "Oʻzbekcha"),
    (UZBEK_CYRILLIC, "Ўзбекча"),
    (RUSSIAN, "Русский"),
    (KARAKALPAK, "Qaraqalpaqsha"),
    (ENGLISH, "English"),
)
CODES = tuple(code for code, _ in LANGUAGES)

Texts = dict[str, str]
"""One text in every language of the programme: {"uz": …, "uz-cyrl": …, "ru": …, "kaa": …, "en": …}."""


def in_language(texts: Texts, language: str) -> str:
    """The text in `language`; Uzbek where that is missing, so nothing is ever shown empty."""
    return texts.get(language) or texts[UZBEK]


def missing_in(texts: Texts) -> list[str]:
    """Languages in which a text is absent or empty; used to refuse incomplete content."""
    return [code for code in CODES if not texts.get(code, "").strip()]
