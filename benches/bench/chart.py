"""Bar charts as SVG, by hand: horizontal bars with whiskers, readable on a light and on a dark page."""

from collections import namedtuple
from html import escape

from .figures import number

# `spread` is median, low and high; `group` is ours, peer or floor, and decides the colour.
Bar = namedtuple("Bar", "label spread group")
Group = namedtuple("Group", "label bars")

WIDTH, LEFT, RIGHT, TOP, ROW, HEADING = 760, 196, 64, 74, 24, 28
STYLE = """
    text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
    .paper { fill: #ffffff } .title { font-size: 16px; font-weight: 600 } .quiet { fill: #59636e; font-size: 12px }
    .grid { stroke: #d1d9e0; stroke-width: 1 } .whisker { stroke: #1f2328; stroke-width: 1.5; fill: none }
    .heading { font-weight: 600 }
    .ours { fill: #2f6fde } .peer { fill: #9aa4af } .floor { fill: #d8c48c }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 } .paper { fill: #0d1117 } .quiet { fill: #9198a1 } .grid { stroke: #30363d }
      .whisker { stroke: #e6edf3 } .ours { fill: #4f8cf0 } .peer { fill: #6b7681 } .floor { fill: #8f7d45 }
    }
"""
LEGEND = [("ours", "Countersign"), ("peer", "peers"), ("floor", "floors")]


def bars(title, unit, groups):
    """The chart's text. `unit` says what the axis counts."""
    groups = [group for group in groups if group.bars]
    every = [bar for group in groups for bar in group.bars]
    step, top = scale(max((bar.spread.high for bar in every), default=1))
    height = TOP + sum(len(group.bars) * ROW + (HEADING if group.label else 8) for group in groups) + 30
    bottom = height - 30
    body = [axis(step * index, top, bottom) for index in range(round(top / step) + 1)]
    at = TOP
    for group in groups:
        if group.label:
            body.append(words(16, at + 19, group.label, "heading"))
        at += HEADING if group.label else 8
        for bar in group.bars:
            body.append(draw(bar, at, top))
            at += ROW
    return page(title, unit, height, legend({bar.group for bar in every}) + body)


def scale(largest):
    """A round step and a round end that holds the largest value."""
    rough = largest / 5 or 1
    power = 10.0 ** len(str(int(rough))) / 10 if rough >= 1 else 0.1 if rough >= 0.1 else 0.01
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    count = 1
    while step * count < largest * 1.001:
        count += 1
    return step, step * count


def x(value, top):
    return LEFT + (WIDTH - LEFT - RIGHT) * value / top


def words(left, base, text, kind="", anchor="start"):
    return f'<text x="{left:.1f}" y="{base:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def axis(value, top, bottom):
    left = x(value, top)
    line = f'<line x1="{left:.1f}" y1="{TOP}" x2="{left:.1f}" y2="{bottom}" class="grid"/>'
    return line + words(left, bottom + 18, f"{value:,.10g}", "quiet", "middle")


def draw(bar, at, top):
    middle, end = at + ROW / 2, x(bar.spread.median, top)
    low, high = x(bar.spread.low, top), x(bar.spread.high, top)
    parts = [
        words(LEFT - 8, middle + 4.5, bar.label, "", "end"),
        f'<rect x="{LEFT}" y="{at + 4}" width="{max(end - LEFT, 1):.1f}" height="{ROW - 8}" rx="2" class="{bar.group}"/>',
        words(max(end, high) + 6, middle + 4.5, number(bar.spread.median)),
    ]
    if bar.spread.high > bar.spread.low:
        ends = f"M{low:.1f} {middle - 4}v8M{high:.1f} {middle - 4}v8M{low:.1f} {middle}H{high:.1f}"
        parts.insert(2, f'<path d="{ends}" class="whisker"/>')
    return "".join(parts)


def legend(groups):
    drawn, left = [], WIDTH - RIGHT - 250
    for group, text in LEGEND:
        if group in groups:
            drawn.append(f'<rect x="{left}" y="46" width="12" height="12" rx="2" class="{group}"/>')
            drawn.append(words(left + 17, 56.5, text, "quiet"))
            left += 34 + 8 * len(text)
    return drawn if len(groups) > 1 else []


def page(title, unit, height, body):
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
            f"<title>{escape(title)}</title><desc>{escape(unit)}</desc>",
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" class="paper"/>',
            words(16, 28, title, "title"),
            words(16, 56, unit, "quiet"),
            *body,
            "</svg>",
            "",
        ]
    )
