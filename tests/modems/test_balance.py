import tomllib

import pytest

from tipline_gw import resources
from tipline_gw.errors import ConfigError
from tipline_gw.modems import balance
from tipline_gw.modems.balance import balance_of, code_for, currency_of, is_low, operator_of


@pytest.mark.parametrize(
    ("operator", "answer", "amount"),
    [
        ("TELCEL", "Tu saldo es de $ 50.00 vigencia 12/12/2026", 50.0),
        ("TELCEL", "SALDO AMIGO $10.00 VIGENCIA 03/02/27. SALDO DE REGALO $3.00", 10.0),
        ("TELCEL", "Saldo de Regalo: $25.00 Saldo Amigo: $1.50 al 12/03/2026 10:15", 1.5),
        ("TELCEL", "Saldo: 1,234.50 MXN", 1234.5),
        ("TELCEL", "Tu saldo\r\n es de\r\n $0.00", 0.0),
        ("TELCEL", "Saldo Amigo: $ -4.50", -4.5),
        ("movistar", "Saldo pagado: $35.20, promocional: $100.00", 35.2),
        ("movistar", "Tu saldo al 12/03/2026 es $50.00. Recarga $100 y llevate el doble", 50.0),
        ("AT&T", "Tienes $100 de saldo. Vence 24/12/2026", 100.0),
        ("UNEFON", "Saldo disponible $7 vigencia 3 dias", 7.0),
        ("bait", "Te quedan 49.90 pesos y 500 MB", 49.9),
        ("TIM", "Seu saldo e de R$ 1.234,56 valido ate 10/10/2026", 1234.56),
        ("TIM", "Saldo: R$ 2.500", 2500.0),
        ("Orange F", "Votre credit est de 5,20 EUR jusqu'au 03/04/2026", 5.2),
        ("Telekom.de", "Ihr aktuelles Guthaben beträgt 9,05 EUR.", 9.05),
        ("Nobody Knows", "Your balance is USD 5.00. Expires 2026-12-01", 5.0),
        ("334020", "Tu saldo es de $12", 12.0),
        ("Red Virtual", "Saldo: 50.00 MXN", 50.0),
    ],
)
def test_the_balance_is_found_in_what_operators_say(operator, answer, amount):
    assert balance_of(operator, answer) == amount


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "Servicio no disponible, intenta mas tarde",
        "Tu linea es ****-**-**** y no tiene plan",
        "Consulta tu saldo en la app antes del 12/03/2026 10:15",
        "Saldo: $12*****",
        "MMI code invalid",
    ],
)
def test_no_balance_is_made_up(answer):
    assert balance_of("TELCEL", answer) is None


def test_an_amount_and_what_follows_it_are_not_run_together():
    assert balance_of("bait", "Saldo: $50 100 MB gratis") == 50.0


def test_codes_are_known_where_they_are_published_and_nowhere_else():
    assert code_for("TELCEL") == code_for("33402") == "*133#"
    assert code_for("AT&T MEXICO") is None
    assert code_for("Red Virtual") is None
    assert code_for("") is None


def test_a_network_by_number_is_not_taken_by_its_name():
    assert operator_of("21404").name == "Yoigo"
    assert operator_of("99999").name == "generic"


def test_low_is_what_the_operator_table_says():
    assert is_low("TELCEL", 19.99)
    assert not is_low("TELCEL", 20.0)
    assert not is_low("Nobody Knows", 0.0)


def test_every_operator_says_where_its_code_is_from_and_no_network_is_named_twice():
    table = tomllib.loads((resources.folder("config") / balance.FILE).read_text("utf-8"))
    operators = [operator_of(one["networks"][0]) for one in table["operator"] if "networks" in one]
    assert len({one.name for one in operators}) == len(operators)
    networks = [network for one in operators for network in one.networks]
    assert len(set(networks)) == len(networks)
    assert all(one["source"] for one in table["operator"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('balance = ["saldo"]', "AMOUNT once"),
        ('code = "AT+CUSD"', "operator.0.code"),
        ("typo = 1", "operator.0.typo"),
        ('names = "("', "operator.0.names"),
        ("= 1", "Invalid"),
    ],
)
def test_a_broken_table_is_refused_by_file_and_key(tmp_path, monkeypatch, line, said):
    names = "" if line.startswith("names") else 'names = "x"\n'
    text = f'[[operator]]\nname = "x"\nsource = "s"\n{names}{line}\n'
    text += '[generic]\nname = "g"\nnames = ""\nsource = "s"\n'
    (tmp_path / balance.FILE).write_text(text)
    monkeypatch.setattr(resources, "folder", lambda _name: tmp_path)
    balance._table.cache_clear()
    try:
        with pytest.raises(ConfigError, match=said) as caught:
            code_for("x")
        assert balance.FILE in str(caught.value)
    finally:
        monkeypatch.undo()
        balance._table.cache_clear()


@pytest.mark.parametrize(
    ("operator", "text", "currency"),
    [
        ("TELCEL", "Saldo: 50.00", "MXN"),
        ("TELCEL", "Balance: 5.00 EUR", "MXN"),
        ("Red Virtual", "Saldo: 50.00 MXN", "MXN"),
        ("Red Virtual", "Saldo EUR5.00 POR 3 DIAS", ""),
        ("Red Virtual", "SALDO 43.50 POR KES", "KES"),
        ("Red Virtual", "Saldo: 50.00", ""),
    ],
)
def test_the_currency_is_the_operator_s_or_what_the_answer_says(operator, text, currency):
    assert currency_of(operator, text) == currency
