"""What the comparison on paintings that were never trained on says."""

from benchmarks.pictures import any_style


def test_it_counts_where_both_distances_are_nearer_and_compares_the_means():
    ours = {"kiss": {"content": 0.8, "style": 0.2}, "irises": {"content": 0.8, "style": 0.4}}
    rival = {"kiss": {"content": 1.0, "style": 0.5}, "irises": {"content": 1.0, "style": 0.3}}
    text = any_style.report(
        {
            "machine": {"processor": "A processor"},
            "rival": ["rival 1.0"],
            "photos": ["a.jpg", "b.jpg"],
            "size": 1024,
            "seconds": {"kiss": 0.2, "irises": 0.4},
            "distances": {any_style.OURS: ours, any_style.RIVAL: rival},
        }
    )

    assert "Means over 2 photos of 1024 px" in text
    assert "Nearer in both distances on 1 of 2" in text
    assert "style 0.75, content 0.80; encoded in 0.30 s" in text


def test_paintings_are_chosen_by_the_names_that_begin_lines(tmp_path):
    for name in ("kiss.jpg", "irises.png", "other.jpg"):
        (tmp_path / name).touch()
    names = tmp_path / "names.txt"
    names.write_text("# a comment\nirises\tiris(es)?\n\nkiss\tkiss\n")
    args = any_style.argparse.Namespace(names=names, style_images=tmp_path, quick=False)

    assert any_style._paintings(args) == {"irises": tmp_path / "irises.png", "kiss": tmp_path / "kiss.jpg"}
    args.quick = True
    assert list(any_style._paintings(args)) == ["irises"]


def test_a_model_that_is_missing_is_a_sentence(tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    arguments = [str(tmp_path / "absent"), "--style-images", str(tmp_path), "--photos", str(tmp_path / "photos")]
    assert any_style.main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
