"""The whole gateway on a modem that somebody else wrote: what its network delivers comes out of
the store, and is answered. The texts are encoded, split and numbered by phonesim itself."""

from collections import Counter

from tests.demo.terminal import Terminal
from tests.peers import phonesim
from tests.system import world
from tipline_gw.demo.stage import running, set_up, until

TEXTS = {
    "+526561234501": "Un aviso breve, ¿me oyen? {sí} no: [2]",
    "+526561234502": "La misma camioneta, sin placas, frente a la escuela de los niños. " * 5,
    "+526561234503": "Ángel oyó disparos ahí detrás, y ya nunca salió del galerón. " * 4,
}
NOTHING_LIES_THERE = "+CMS ERROR: 321"
PATIENCE = 60.0


def test_what_phonesim_delivers_is_taken_in_deleted_and_answered(tmp_path):
    with phonesim.plugged() as modem:
        config = set_up(tmp_path / "gw", {"gsm0": modem.link})
        with running(config) as gateway:
            for sender, text in TEXTS.items():
                modem.receives(sender, text)
            assert until(lambda: gateway.count("sms_replies_total") == len(TEXTS), PATIENCE)
            assert 'replies_total{result="sent"} 3.0' in gateway.page("/metrics")[1]
            assert gateway.stop() == 0
        with Terminal(modem.link) as terminal:
            assert terminal.ask("AT+CMGL=4") == [NOTHING_LIES_THERE]
        assert Counter(tip.text for tip in world.opened_tips(config)) == Counter(TEXTS.values())
