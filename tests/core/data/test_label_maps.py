"""Label maps beside their pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qaconv_core.data.label_maps import PERSON, label_path, read_label_map
from qaconv_core.errors import ImageError
from qaconv_core.types import ImageRef


def test_a_label_map_lies_beside_its_picture(tmp_path):
    picture = tmp_path / "query" / "0001_c1s1_000451_00.jpg"
    assert label_path(picture) == tmp_path / "labels" / "query" / "0001_c1s1_000451_00.png"
    label_path(picture).parent.mkdir(parents=True)
    labels = (np.arange(20, dtype=np.uint8) % 13).reshape(5, 4)
    Image.fromarray(labels).save(label_path(picture))
    np.testing.assert_array_equal(read_label_map(ImageRef(picture)), labels)


def test_faults_name_the_file(tmp_path):
    ref = ImageRef(tmp_path / "query" / "a.jpg")
    with pytest.raises(ImageError, match=r"labels.query.a\.png: no label map"):
        read_label_map(ref)
    path: Path = label_path(ref.path)
    path.parent.mkdir(parents=True)
    path.write_text("not a picture")
    with pytest.raises(ImageError, match="not a label map"):
        read_label_map(ref)
    Image.fromarray(np.full((5, 4), 200, np.uint8)).save(path)
    with pytest.raises(ImageError, match="label 200 is unknown"):
        read_label_map(ref)


def test_the_person_is_no_background_other_person_or_occluder():
    assert not PERSON & {0, 11, 12}
    assert len(PERSON) == 10
