"""Who sends more than the line takes: nothing of his is lost before he was told that it will be."""

from tests.system import world
from tipline_gw.demo.stage import until

SENDER = "+526563820099"


def test_texts_are_kept_until_their_sender_was_told_that_no_more_are(tmp_path):
    with world.home(tmp_path, {"gsm0": ()}, {"sender_limit": "2"}) as home:
        home.gateway.start()
        control = home.modems["gsm0"].control
        control.receive(SENDER, "aviso {n}", count=2)
        control.wait_sent(2, timeout=30)
        control.set(fail_cmgs=[38])
        control.receive(SENDER, "aviso 2")
        assert until(lambda: control.state()["modes"]["fail_cmgs"] == [], 20)
        control.receive(SENDER, "aviso {n} despues", count=2)
        assert until(lambda: home.gateway.count("tips_total") == 5, 20)
        told = control.wait_sent(3, timeout=30)[-1]["text"]
        assert "los que siguen no" in told
        assert until(lambda: home.gateway.count("addresses_held") == 0, 20)
        control.receive(SENDER, "aviso perdido")
        assert until(lambda: 'what="flood-held"} 1.0' in home.gateway.page("/metrics")[1], 20)
        assert until(home.idle, 20)
        texts = {tip.text for tip in world.opened_tips(home.config)}
        assert texts == {
            "aviso 0", "aviso 1", "aviso 2", "aviso 0 despues", "aviso 1 despues",
        }  # fmt: skip
        assert len(control.sent()) == 3
