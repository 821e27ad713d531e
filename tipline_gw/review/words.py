"""The words that announce a name, an address, a plate or a spelt number, in Spanish and English.

Data for :mod:`tipline_gw.review.marks`: alternatives of regular expressions, taken without case.
"""

from __future__ import annotations

import re
from typing import Final


def _any_of(listed: str) -> str:
    """Longest first, so that none hides another."""
    return "|".join(sorted(listed.split(), key=len, reverse=True)).replace("_", r"\s+")


TITLES: Final = _any_of(
    "sr sra srta señor señora señorita don doña lic licenciado licenciada ing ingeniero ingeniera "
    "arq arquitecto dr dra doctor doctora prof profr profe profesor profesora maestro maestra "
    "comandante cmdte cmte capitán capitan cap teniente tte sargento sgto oficial agente policía "
    "policia cabo general gral coronel cnel mayor jefe jefa director directora subdirector "
    "delegado fiscal mp diputado diputada regidor regidora síndico alcalde alcaldesa presidente "
    "presidenta gobernador gobernadora juez jueza padre pastor compadre comadre tío tía primo "
    "prima vecino vecina compañero compañera patrón patrona apodado apodada alias el_tal la_tal "
    "mr mrs ms miss officer captain lieutenant sergeant detective judge mayor chief father aka "
    "cousin uncle aunt neighbor"
)
INTRODUCTIONS: Final = _any_of(
    "me_llamo se_llama se_llaman mi_nombre_es su_nombre_es nombre_de a_nombre_de le_dicen "
    "le_llaman les_dicen lo_conocen_como la_conocen_como conocido_como conocida_como soy_yo, "
    "my_name_is his_name_is her_name_is their_name_is named they_call_him they_call_her known_as"
)
STREETS: Final = _any_of(
    "calle avenida av ave bulevar boulevard blvd blv calzada calz carretera carr camino privada "
    "priv callejón callejon cerrada prolongación prolongacion prol colonia col fraccionamiento "
    "fracc barrio unidad_habitacional infonavit manzana mza lote edificio edif esquina_con "
    "esquina_de esq entre_la_calle entre_calle frente_a_la_casa rancho ejido poblado cruce_de "
    "km kilómetro kilometro street avenue road corner_of"
)
STREETS_AFTER: Final = _any_of(
    "street st avenue ave road rd drive dr lane ln boulevard blvd court ct highway hwy"
)
HOUSES: Final = _any_of(
    "número numero núm num no casa_número casa_numero casa depto departamento dpto interior int "
    "apartment apt house lote lt"
)
PLATES: Final = _any_of("placa placas matrícula matricula plate plates license_plate")

_LINKS: Final = re.compile(r"de|del|la|las|los|el|y|e|a|con|of|the|and|n[oú]m?|número|numero|casi")


def is_link(word: str) -> bool:
    """Stands between the words of one address."""
    return bool(_LINKS.fullmatch(word.casefold()))


_SPELLED = _any_of(
    "cero uno una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa cien "
    "zero one two three four five six seven eight nine oh"
)
SPELLED_DIGITS: Final = re.compile(
    rf"\b(?i:{_SPELLED})(?:[\s,.\-]+(?:y[\s]+)?(?i:{_SPELLED}|\d{{1,4}})\b){{4,}}"
)
"""Five numbers in words, one after the other: nobody writes that but for a number to be dialled."""
