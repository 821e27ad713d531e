"""An unmodified smstools3 at the virtual modem: a second opinion, from other authors.

It polls where gammu-smsd waits, asks +CPMS? how full the storage is, joins long messages itself,
and drives one line without a second look.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.demo.conftest import Plug
from tests.peers.smstools import Letter, Smstools
from tipline_gw.errors import ModemError

PATIENCE = 60.0
TEXTS = [
    Letter("5265611110001", "Hay un coche sin placas frente a la escuela {rojo} [2] por 5 €"),
    Letter("5265611110002", "Robo en la calle Juárez, esquina con Niños Héroes: ¿me oyen?"),
    Letter("5265611110003", "Un mensaje largo, sin acentos, que no cabe en una parte. " * 8),
    Letter("5265611110004", "Un mensaje largo, con ÁÉÍÓÚ y ñ, que tampoco cabe. " * 5),
    Letter("5265611110005", "Nos siguen desde ahí — «no contesten» — y ya no salimos…"),
]
"""None outside the basic plane: it ends a text at its first surrogate."""


@pytest.mark.parametrize("faults", [(), ("--trickle-us", "20"), ("--delay-ms", "5")], ids=str)
def test_smstools_receives_every_message_and_sends_one(
    plug: Plug, tmp_path: Path, faults: tuple[str, ...]
) -> None:
    modem = plug(*faults)
    peer = Smstools(tmp_path / "smstools", modem.link)
    for letter in TEXTS:
        modem.control.receive(f"+{letter.sender}", letter.text, shuffle=True)
    with peer.running():
        try:
            modem.control.wait_empty(PATIENCE)
            peer.send("+5265699998888", "¿Señas? Su clave: 1234")
            (sent,) = modem.control.wait_sent(1, timeout=PATIENCE)
        except ModemError:
            pytest.fail(peer.complaints())
    assert Counter(peer.received()) == Counter(TEXTS)
    assert (sent["to"], sent["text"]) == ("+5265699998888", "¿Señas? Su clave: 1234")
