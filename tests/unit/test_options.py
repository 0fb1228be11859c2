import pytest

from autogaze_web import options


def test_defaults_are_values_that_their_options_take():
    for name, option in options.options().items():
        assert option.parse(option.default) == option.default, name


def test_every_option_has_its_place_and_its_help():
    for name, option in options.options().items():
        assert option.group in options.groups(), name
        assert option.label, name
        assert option.help.endswith("."), name


def test_what_options_refer_to_exists():
    for option in (*options.options().values(), *options.shorthands().values()):
        implied = [option.sets, *(choice.sets for choice in option.choices)]
        for sets in implied:
            assert options.parse(sets).items() >= sets.items(), option.name
        for name, values in option.when.items():
            for value in values:
                assert options.find(name).parse(value) == value, option.name


def test_names_and_aliases_are_unique():
    known = (*options.options().values(), *options.shorthands().values())
    names = [name for option in known for name in (option.name, *option.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "given", "option", "value"),
    [
        ("source", "PAN", "source", "synthetic-pan"),
        ("Frame_Source", "webcam", "source", "camera"),
        ("viz-mode", "alpha_blend", "visualization-mode", "full-blend"),
        ("diff-threshold", "0.25", "patch-diff-threshold", 0.25),
        ("width", "320", "inference-width", 320),
        ("keyframe-interval", 30, "keyframe-duration", 30),
        ("gaze_source", "Auto-Gaze", "mask-source", "autogaze"),
        ("mask-driver", "frame-difference", "mask-source", "patch-diff"),
        (
            "config",
            " HTTPS://example.org/a/config.json?x=1 ",
            "config-url",
            "HTTPS://example.org/a/config.json?x=1",
        ),
        ("weights", "./m/w.safetensors", "weights-url", "./m/w.safetensors"),
        ("hide-scales", "14+2+14", "hidden-scales", "2+14"),
        ("hidden-scales", "2 14", "hidden-scales", "2+14"),
        ("hidden-scales", "NONE", "hidden-scales", "none"),
        ("model-url", "/m/w.safetensors", "weights-url", "/m/w.safetensors"),
    ],
)
def test_aliases_in_any_spelling(name, given, option, value):
    parsed = options.parse({name: given})
    assert parsed[option] == value
    assert type(parsed[option]) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("source", "tv", "source is one of camera, file, .*, synthetic-pan, .* got 'tv'"),
        ("patch-diff-threshold", "-1", "a number of at least 0, got '-1'"),
        ("patch-diff-threshold", "inf", "got 'inf'"),
        ("patch-diff-threshold", "", "got ''"),
        ("patch-diff-grid", "2.5", "a whole number from 1 to 256, got '2.5'"),
        ("blend-alpha", None, "a number from 0 to 1, got None"),
        ("task-loss", "-3dB", "task-loss-requirement is .*decibels such as 20dB, or off, got '-3dB'"),
        ("patch-diff-threshold", "off", "got 'off'"),
        ("patch-diff-threshold", "20dB", "got '20dB'"),
        ("config-url", "example.org/config.json", "an address that begins with https://, .* got 'example"),
        ("config-url", "", "got ''"),
        ("weights-url", "ftp://example.org/w", "got 'ftp:"),
        ("weights-url", "https://example.org", "got 'https:"),
        ("weights-url", "https://example.org/two words", "got 'https:"),
        ("hidden-scales", "0", "none, or cells per side of grids such as 2.14, got '0'"),
        ("hidden-scales", "2,14", "got '2,14'"),
        ("hidden-scales", "", "got ''"),
        ("speed", "1", "there is no option 'speed'; the options are source, "),
    ],
)
def test_what_is_wrong_is_named_with_what_is_accepted(name, given, message):
    with pytest.raises(ValueError, match=message):
        options.parse({name: given})


@pytest.mark.parametrize(
    ("given", "loss"),
    [
        ("20dB", 0.1),
        (" 20 db ", 0.1),
        ("0dB", 1),
        (0.45, 0.45),
        ("0.45", 0.45),
        ("off", None),
        ("NONE", None),
    ],
)
def test_a_loss_is_a_number_or_decibels_or_off(given, loss):
    assert options.requirement(options.parse({"task-loss": given})) == loss


def test_all_problems_are_told_at_once():
    with pytest.raises(ValueError, match=r"speed.*\n.*tv") as error:
        options.parse({"speed": 1, "source": "tv", "blend-alpha": 0.5})
    assert len(str(error.value).splitlines()) == 2


def test_defaults_depend_on_the_mode():
    names = ("top-k", "max-gaze-tokens-each-frame", "frames-per-clip", "inference-width")
    assert [options.parse({})[name] for name in names] == [10, 16, 16, 640]
    assert [options.parse({"mode": "anyres"})[name] for name in names] == [2, 24, 2, 1280]
    assert [options.parse({"width": 320, "mode": "full-res"})[name] for name in names] == [2, 24, 2, 320]


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ({"preset": "docs"}, {"mode": "tiled", "inference-width": 1920, "top-k": 10, "blend-alpha": 0.55}),
        ({"preset": "docs", "width": "640"}, {"inference-width": 640, "mask-geometry": "native"}),
        ({"preset": "tiled"}, {"mode": "tiled", "max-gaze-tokens-each-frame": 24, "frames-per-clip": 2}),
        ({"limit_generation_budget": "false"}, {"max-gaze-tokens-each-frame": 0}),
        ({"limit-gaze-tokens": False, "max-tokens": 9}, {"max-gaze-tokens-each-frame": 9}),
        ({"disable-task-loss": True}, {"task-loss-requirement": "off"}),
        ({"task-loss-db": 20}, {"task-loss-requirement": 0.1}),
        ({"image-path": "./a.png"}, {"source": "image", "image-url": "./a.png"}),
        ({"image-url": "./a.png", "source": "camera"}, {"source": "camera"}),
        ({"image-url": ""}, {"source": "camera", "image-url": ""}),
        ({"height": 360}, {"inference-width": "auto", "inference-height": 360}),
        ({"width": ""}, {"inference-width": "native"}),
        ({"loop": "no", "mirror": 1}, {"file-loop": False, "camera-mirror": True}),
    ],
)
def test_shorthands_set_other_options_unless_those_are_given(given, values):
    parsed = options.parse(given)
    assert {name: parsed[name] for name in values} == values
    assert parsed.keys() == options.defaults().keys()
