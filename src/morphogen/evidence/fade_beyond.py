"""FaDE, beyond the sets it was measured on: other sets, convolutions on other images, and what three positions save."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from morphogen.evidence.fade_beds import CONVOLUTIONAL, Bed
from morphogen.evidence.fade_candidates import VARIED, stretched_rows
from morphogen.evidence.fade_images import cifar16, digits, mnist14, signals
from morphogen.evidence.fade_judging import judged
