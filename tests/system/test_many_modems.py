"""More modems than a bank of them has, in one daemon, two of them in trouble."""

from collections import Counter

from tests.system import world
from tipline_gw.demo.stage import until

MODEMS = [f"gsm{letter}{place}" for letter in "abc" for place in range(11)]
UNPLUGGED, HANGING = MODEMS[0], MODEMS[-1]
TEXTS = 3


def text_of(name, n):
    return f"aviso {n} por {name}: " + "una camioneta sin placas " * (1 + 8 * (n % 2))


def sender_of(name, n):
    return f"+5265637{MODEMS.index(name):02}{n:03}"


def answered(home, name):
    return Counter(one["to"] for one in home.modems[name].control.sent())


def test_each_takes_and_answers_its_texts_though_two_are_in_trouble(tmp_path):
    assert len(MODEMS) == 33
    with world.home(tmp_path, dict.fromkeys(MODEMS, ())) as home:
        home.gateway.start()
        home.modems[UNPLUGGED].control.vanish()
        home.modems[HANGING].control.set(hang=True)
        for n in range(TEXTS):
            for name in MODEMS:
                home.modems[name].control.receive(sender_of(name, n), text_of(name, n))
        served = [name for name in MODEMS if name not in (UNPLUGGED, HANGING)]
        assert until(lambda: all(len(answered(home, name)) == TEXTS for name in served), 60)
        assert until(lambda: home.gateway.count("modem_up") < len(MODEMS), 10)
        home.modems[UNPLUGGED].control.come_back()
        served.append(UNPLUGGED)
        home.modems[UNPLUGGED].control.wait_sent(TEXTS, timeout=60)
        for name in served:
            wanted = {sender_of(name, n): 1 for n in range(TEXTS)}
            assert answered(home, name) == wanted
            assert home.stored(name) == 0
        tips = world.opened_tips(home.config)
        assert Counter(tip.text for tip in tips) == Counter(
            text_of(name, n) for name in served for n in range(TEXTS)
        )
