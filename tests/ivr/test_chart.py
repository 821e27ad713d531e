from tests.ivr.chart import DRAWN, FILE, chart


def test_the_map_in_the_documentation_is_the_dialog_of_the_code():
    assert FILE.read_text(encoding="utf-8") == chart(), "run python -m tests.ivr.chart"


def test_every_stage_and_every_edge_is_on_it():
    text = chart()
    for stage in DRAWN.stages.values():
        section = text.split(f"### {stage.name}\n")[1].split("\n### ")[0]
        assert section.count("\n| ") == 2 + len(stage.edges)
