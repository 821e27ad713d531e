import itertools
import time

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


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        (
            "El que manda es Juan Pérez Calle Morelos 123",
            [(Kind.NAME, "Juan Pérez"), (Kind.ADDRESS, "Calle Morelos 123")],
        ),
        (
            "ahí está Raúl Gómez Avenida Juárez 1420",
            [(Kind.NAME, "Raúl Gómez"), (Kind.ADDRESS, "Avenida Juárez 1420")],
        ),
        (
            "es Jorge Ruiz Colonia Roma",
            [(Kind.NAME, "Jorge Ruiz"), (Kind.ADDRESS, "Colonia Roma")],
        ),
        (
            "vive en Avenida Juárez 6561234567",
            [(Kind.ADDRESS, "Avenida Juárez"), (Kind.PHONE, "6561234567")],
        ),
        (
            "calle ABC-123-A y Juan Pérez",
            [
                (Kind.ADDRESS, "calle"),
                (Kind.PLATE, "ABC-123-A"),
                (Kind.ADDRESS, "y Juan Pérez"),
            ],
        ),
        (
            "calle Mina 12, colonia Centro",
            [(Kind.ADDRESS, "calle Mina 12"), (Kind.ADDRESS, "colonia Centro")],
        ),
    ],
)
def test_what_sticks_out_of_another_mark_is_marked_too(text, marked):
    assert found(text) == marked


def test_what_is_left_over_without_a_letter_or_digit_is_no_mark():
    assert found("calle (656) 123-4567") == [
        (Kind.ADDRESS, "calle"),
        (Kind.PHONE, "(656) 123-4567"),
    ]


@pytest.mark.parametrize(
    ("text", "plate"),
    [
        ("placas ABC123A Juan Pérez", "ABC123A"),
        ("placas ABC-12-34 vive en la esquina", "ABC-12-34"),
        ("placas eab-123-a que se fue", "eab-123-a"),
        ("placas eab 123 b, gris", "eab 123 b"),
        ("placas a12-bcd, una moto", "a12-bcd"),
        ("placas a12 bcd, una moto", "a12 bcd"),
        ("placas 12 abc 3", "12 abc 3"),
        ("placas son dx1234b", "son dx1234b"),
        ("placas ABC123Ñ gris", "ABC123Ñ"),
    ],
)
def test_what_is_called_a_plate_ends_where_words_begin(text, plate):
    assert (Kind.PLATE, plate) in found(text)


def test_a_name_behind_a_plate_is_a_name_and_whole():
    assert (Kind.NAME, "Juan Pérez") in found("placas ABC123A Juan Pérez")


def test_an_account_is_not_cut_at_a_letter_with_an_accent():
    assert found("escriban a @juan_pérez") == [(Kind.ELECTRONIC, "@juan_pérez")]


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


def test_the_end_of_the_longest_message_is_looked_at():
    text = ("a " * (255 * 153 // 2))[:-12] + "656 123 4567"
    assert found(text) == [(Kind.PHONE, "656 123 4567")]


@pytest.mark.parametrize(
    ("begin", "piece"),
    [("placas", " "), ("zip", " "), ("", "Aa-"), ("", "#1"), ("lic. ", "Aa-"), ("placas 1-", "a"),
     ("", "Aa-Aa   "), ("uno", " ,"), ("", "calle "), ("", "12'"), ("#", "1@")],
)  # fmt: skip
def test_no_text_takes_longer_than_its_length_asks(begin, piece):
    text = begin + piece * (LONGEST // len(piece))
    began = time.process_time()
    marks(text)
    assert time.process_time() - began < 4


def test_a_text_without_end_is_looked_at_in_bounded_time():
    for piece in ("1 ", "calle ", "A", "Ana Ana ", "uno ", "placas ", "@", "a@", "#1"):
        marks(piece * (LONGEST // len(piece) + 10))
