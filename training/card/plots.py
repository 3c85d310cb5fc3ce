"""Small drawings as inline SVG; colours come from the page, so that they follow light, dark and paper."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from training.card.markup import Markup, element

WIDTH: Final = 520
LEFT: Final = 64
RIGHT: Final = 24
TOP: Final = 14
BOTTOM: Final = 48
FIFTHS: Final = tuple((share / 5, f"{share * 20} %") for share in range(6))

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis shows, between which values, and where it is marked."""

    label: str
    ticks: Sequence[tuple[float, str]] = FIFTHS
    low: float = 0.0
    high: float = 1.0


@dataclass(slots=True)
class Plot:
    """A drawing in the values of its axes. `told` says in words what is to be seen."""

    name: str
    told: str
    x: Axis
    y: Axis
    height: int = 340
    left: int = LEFT
    _drawn: list[Markup] = field(default_factory=list)

    def line(self, points: Points, kind: str) -> "Plot":
        """A line through the points."""
        self._drawn.append(element("polyline", points=self._path(points), class_=kind))
        return self

    def area(self, low: Points, high: Points, kind: str) -> "Plot":
        """What lies between two lines."""
        self._drawn.append(element("polygon", points=self._path([*low, *reversed(high)]), class_=kind))
        return self

    def dots(self, points: Points, kind: str) -> "Plot":
        """A dot at each point."""
        self._drawn += [
            element("circle", cx=_r(self._across(x)), cy=_r(self._down(y)), r=4, class_=kind) for x, y in points
        ]
        return self

    def words(self, x: float, y: float, said: str, anchor: str = "", rise: float = 10) -> "Plot":
        """Words so many units above a point; where no anchor is given they stay inside the drawing."""
        across = self._across(x)
        anchor = anchor or ("end" if across > WIDTH - 150 else "start" if across < self.left + 60 else "middle")
        self._drawn.append(element("text", said, x=_r(across), y=_r(self._down(y) - rise), text_anchor=anchor))
        return self

    def svg(self) -> Markup:
        """The drawing."""
        right, bottom = WIDTH - RIGHT, self.height - BOTTOM
        grid = []
        for value, said in self.x.ticks:
            at = _r(self._across(value))
            grid.append(element("line", x1=at, x2=at, y1=TOP, y2=bottom, class_="grid"))
            grid.append(element("text", said, x=at, y=bottom + 17, text_anchor="middle"))
        for value, said in self.y.ticks:
            at = _r(self._down(value))
            grid.append(element("line", x1=self.left, x2=right, y1=at, y2=at, class_="grid"))
            grid.append(element("text", said, x=self.left - 8, y=_r(float(at) + 4), text_anchor="end"))
        middle = (TOP + bottom) / 2
        labels = [
            element("text", self.x.label, x=(self.left + right) / 2, y=self.height - 10, text_anchor="middle"),
            element(
                "text", self.y.label, x=0, y=0, text_anchor="middle", transform=f"translate(14 {middle}) rotate(-90)"
            ),
        ]
        return element(
            "svg",
            element("title", self.name, id=f"{_id(self.name)}-title"),
            element("desc", self.told, id=f"{_id(self.name)}-told"),
            *grid,
            *labels,
            *self._drawn,
            viewBox=f"0 0 {WIDTH} {self.height}",
            role="img",
            aria_labelledby=f"{_id(self.name)}-title {_id(self.name)}-told",
        )

    def _path(self, points: Points) -> str:
        return " ".join(f"{_r(self._across(x))},{_r(self._down(y))}" for x, y in points)

    def _across(self, value: float) -> float:
        return self.left + (value - self.x.low) / (self.x.high - self.x.low) * (WIDTH - RIGHT - self.left)

    def _down(self, value: float) -> float:
        bottom = self.height - BOTTOM
        return bottom - (value - self.y.low) / (self.y.high - self.y.low) * (bottom - TOP)


def _r(number: float) -> str:
    return f"{number:.1f}"


def _id(name: str) -> str:
    return "-".join(name.lower().split())
