import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline_gw.review.marks import LONGEST, Kind, marks, shown


def found(text: str) -> list[tuple[Kind, str]]:
    return [(mark.kind, text[mark.start : mark.end]) for mark in marks(text)]


@pytest.mark.parametrize(
    "number",
    [
        "6561234567", "656 123 4567", "(656) 123-4567", "+52 656 123 45 67", "044 656 1234567",
        "1 915 555 0123", "+1 (915) 555-0123", "6 5 6 1 2 3 4 5 6 7", "123 4567", "656.123.4567",
        "seis cinco seis uno dos tres cuatro cinco seis siete",
        "six five six one two three four",
        "sesenta y cinco, cuarenta y tres, dos mil 10 doce trece catorce",
    ],
)  # fmt: skip
def test_telephone_numbers_however_they_are_written(number):
    kinds = [
        (kind, what) for kind, what in found(f"su tel es {number}, márquele") if what in number
    ]
    assert Kind.PHONE in [kind for kind, _ in kinds]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("El comandante Juan Pérez López cobra la cuota", "Juan Pérez López"),
        ("fue el lic. Ramírez", "Ramírez"),
        ("la dra Ana de la Rosa nos ayudó", "Ana de la Rosa"),
        ("me llamo maria guadalupe", "maria guadalupe"),
        ("le dicen El Chato", "El Chato"),
        ("lo vio José Luis Hernández ayer", "José Luis Hernández"),
        ("officer Smith took it", "Smith"),
        ("his name is Robert Jones", "Robert Jones"),
        ("el policía García", "García"),
    ],
)
def test_names_after_what_announces_them_and_in_pairs(text, name):
    assert any(kind is Kind.NAME and name in what for kind, what in found(text)), found(text)


@pytest.mark.parametrize(
    ("text", "plate"),
    [
        ("una Ford placas EAB-123-A", "EAB-123-A"),
        ("troca gris ERK 45 67", "ERK 45 67"),
        ("placas dx1234b, vidrios negros", "dx1234b"),
        ("a gray truck, license plate KLM 4821", "KLM 4821"),
        ("el carro es DV-12-345", "DV-12-345"),
    ],
)
def test_plates(text, plate):
    assert (Kind.PLATE, plate) in found(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("en la calle Ignacio Mina 123, casa azul", "calle Ignacio Mina 123"),
        ("viven en av. de los insurgentes", "av. de los insurgentes"),
        ("Col. Anapra, por el tanque", "Col. Anapra"),
        ("esquina con Ramón Corona", "esquina con Ramón Corona"),
        ("en el #4520", "#4520"),
        ("C.P. 32000", "C.P. 32000"),
        ("at 1204 Paisano Drive", "1204 Paisano Drive"),
        ("carretera casas grandes km 14", "carretera casas"),
    ],
)
def test_addresses(text, address):
    assert any(kind is Kind.ADDRESS and address in what for kind, what in found(text)), found(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("CURP HEGJ820506HCHRRN09", "HEGJ820506HCHRRN09"),
        ("rfc hegj820506ab1", "hegj820506ab1"),
    ],
)
def test_official_identifiers(text, what):
    assert (Kind.IDENTIFIER, what) in found(text)


@pytest.mark.parametrize("text", ["juan@example.org", "@el_chato_656", "www.example.org/juan"])
def test_accounts(text):
    assert found(f"escriban a {text}") == [(Kind.ELECTRONIC, text)]


def test_marks_do_not_overlap_and_are_in_order():
    text = "El comandante Juan Pérez, calle Mina 123, placas EAB-123-A, tel 656 123 4567"
    spans = [(mark.start, mark.end) for mark in marks(text)]
    assert len(spans) == 4
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(spans))


def test_what_is_marked_is_shown_in_its_place():
    text = "tel 656 123 4567 y ya"
    assert shown(text, marks(text)) == "tel [[phone: 656 123 4567]] y ya"


@pytest.mark.parametrize(
    "text",
    [
        "una camioneta blanca sin placas frente a la escuela, desde las once de la noche",
        "venden droga a los niños a la salida, a las 2 y a las 3",
        "they sell drugs at the corner every night at 11:30",
        "son como 15 hombres armados en 3 trocas",
    ],
)
def test_plain_tips_are_not_all_marks(text):
    assert found(text) == []


@given(st.text(max_size=400))
def test_any_text_gives_marks_that_lie_in_it(text):
    at = 0
    for mark in marks(text):
        assert at <= mark.start < mark.end <= len(text)
        at = mark.end
    assert [c for c in shown(text, marks(text)) if c not in "[]"] or not text.strip("[]")


def test_a_text_without_end_is_looked_at_in_bounded_time():
    for piece in ("1 ", "calle ", "A", "Ana Ana ", "uno ", "placas ", "@", "a@", "#1"):
        marks(piece * (LONGEST // len(piece) + 10))
