"""Supernets: the networks of a region in one, its relaxations, its training; loads torch."""

from morphogen.supernet.darts import Darts
from morphogen.supernet.gumbel import Gumbel
from morphogen.supernet.mixing import SupernetError
from morphogen.supernet.pc_darts import PCDarts
from morphogen.supernet.reading import calibrate, leave_one_in, score
from morphogen.supernet.relaxation import Relaxation
from morphogen.supernet.schedule import Course, Trained, train
from morphogen.supernet.stack import Stack
from morphogen.supernet.supernet import Supernet

__all__ = [
    "Course",
    "Darts",
    "Gumbel",
    "PCDarts",
    "Relaxation",
    "Stack",
    "Supernet",
    "SupernetError",
    "Trained",
    "calibrate",
    "leave_one_in",
    "score",
    "train",
]
