"""The whole way of a text with the store on PostgreSQL."""

import json

from sqlalchemy import create_engine

from tipline_gw.demo.modem_control import VirtualModem
from tipline_gw.demo.stage import running, set_up, tipline


def test_a_text_is_taken_in_answered_exported_and_opened(postgresql, tmp_path):
    engine = create_engine(postgresql)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    engine.dispose()
    with VirtualModem(tmp_path / "tty", tmp_path / "control") as modem:
        config = set_up(tmp_path / "gw", {"gsm0": modem.link})
        sqlite = f"sqlite:///{tmp_path / 'gw'}/tips.db"
        config.write_text(config.read_text().replace(sqlite, postgresql))
        with running(config) as gateway:
            modem.control.receive("+526561234567", "¿Quién vigila la bodega?")
            (sent,) = modem.control.wait_sent(1, timeout=30)
            assert sent["to"] == "+526561234567"
            assert gateway.stop() == 0
    out = tmp_path / "out"
    (name,) = json.loads(tipline(config, "tips", "export", out, "--json"))
    words = ("tips", "open", out / name, "-i", tmp_path / "gw" / "reviewer.key", "--json")
    (opened,) = json.loads(tipline(config, *words))
    assert opened["envelope"]["text"] == "¿Quién vigila la bodega?"
    assert json.loads(tipline(config, "check", "--json"))[0]["fatal"] is False
