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
        ("weights-url", "https://two words.org/w", "got 'https:"),
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
        (" Default ", 0.7),
        ("model", 0.7),
    ],
)
def test_a_loss_is_a_number_or_decibels_or_off(given, loss):
    assert options.requirement(options.parse({"task-loss": given})) == loss


# Every option of the reference viewer, with its aliases.
REFERENCE = """
press-esc-to-close show-fps show-gaze-ratio show-gaze show-update-ratio show-psnr show-output-psnr
show-task-loss-slider show-quality-slider task-loss-slider quality-slider model-dir config-url config
weights-url weights model-url load-model no-load-model warmup-model warm-model model-warmup source
frame-source input-source image-path mask-source sparse-mask-source mask-driver gaze-source patch-diff-grid
patch-diff-grid-size patch-grid diff-grid patch-diff-threshold patch-threshold diff-threshold mode top-k
max-gaze-tokens-each-frame limit-generation-budget limit-gaze-tokens clamp-gaze-tokens tile-batch-size
tile-batch tiles-per-batch task-loss-requirement task-loss task-loss-requirement-db task-loss-db task-psnr-db
task-psnr task-psnr-requirement disable-task-loss-requirement disable-task-loss frames-per-clip max-in-flight
in-flight max-inflight inference-width input-width source-width frame-width width inference-height
input-height source-height frame-height height mask-cell-scale mask-radius-scale mask-visualization
mask-visualization-mode mask-mode mask-display mask-geometry mask-geometry-mode mask-update-mode
mask-scale-policy mask-dedup mask-dedupe blend-alpha visualization-mode visualisation-mode viz-mode
keyframe-duration keyframe-interval display-transfer transfer texture-transfer
tensor-sparse-update-max-rects sparse-update-max-rects tensor-sparse-update-max-ratio
sparse-update-max-ratio tensor-full-frame-update-min-ratio full-frame-update-min-ratio
dense-update-full-frame-min-ratio streaming-cache kv-cache stream-cache decode-strategy decode decoder
decode-chunk-size decoder-chunk-size generation-chunk-size require-hardware-adapter require-gpu
fail-on-cpu-adapter log-pipeline-timing log-timing timing perf-summary-frames perf-frames benchmark-frames
perf-summary-warmup-frames perf-warmup-frames benchmark-warmup-frames perf-summary-path perf-json perf-output
perf-trace-path perf-jsonl perf-trace-output image-url static-frame static-fps static-width static-height
camera-width camera-height
"""


@pytest.mark.parametrize("name", REFERENCE.split())
def test_every_option_of_the_reference_viewer_is_taken(name):
    assert options.find(name.upper().replace("-", "_"))


def test_an_option_without_effect_is_accepted_with_a_note():
    before = options.parse({})
    noted = {name: option for name, option in options.shorthands().items() if option.note}
    assert {"display-transfer", "streaming-cache", "max-in-flight", "decode-strategy"} <= noted.keys()
    assert options.parse(dict.fromkeys(noted, "anything:4")) == before


def test_all_problems_are_told_at_once():
    with pytest.raises(ValueError, match=r"speed.*\n.*tv") as error:
        options.parse({"speed": 1, "source": "tv", "blend-alpha": 0.5})
    assert len(str(error.value).splitlines()) == 2


def test_defaults_depend_on_the_mode():
    names = ("top-k", "max-gaze-tokens-each-frame", "frames-per-clip", "inference-width")
    assert [options.parse({})[name] for name in names] == [10, 16, 16, "auto"]
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
        ({"image-url": ""}, {"source": "sample", "image-url": ""}),
        ({"height": 360}, {"inference-width": "auto", "inference-height": 360}),
        ({"width": ""}, {"inference-width": "native"}),
        ({"no-load-model": True}, {"load-model": False}),
        ({"static-width": 320, "source": "image-path"}, {"inference-width": 320, "source": "image"}),
        ({"perf-jsonl": " out/a.jsonl "}, {"perf-trace-path": "out/a.jsonl"}),
        ({"loop": "no", "mirror": 1}, {"file-loop": False, "camera-mirror": True}),
    ],
)
def test_shorthands_set_other_options_unless_those_are_given(given, values):
    parsed = options.parse(given)
    assert {name: parsed[name] for name in values} == values
    assert parsed.keys() == options.defaults().keys()
