"""Checks that a page tells what the text does, with a bar for each layer: page.py PAGE TEXT SAME_TEXT."""
import html.parser
import re
import sys


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.texts, self.bars = [], [], []

    def handle_starttag(self, tag, attributes):
        if tag != "meta":
            self.open.append(tag)
        if dict(attributes).get("class") == "bar":
            self.bars.append(int(re.fullmatch(r"width:(\d+)%", dict(attributes)["style"])[1]))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())


source, text, same = (open(path).read() for path in sys.argv[1:])
page = Page()
page.feed(source)
assert page.open == [] and "http" not in source, "the page is whole and needs nothing else"
rows = [line.split() for line in text.splitlines() if " yes " in line]
for row, bar in zip(rows, page.bars, strict=True):
    assert row[0] in page.texts and abs(bar - min(float(row[4]) / 60 * 100, 100)) <= 1, (row, bar)
    assert all(float(time) > 0 and time in page.texts for time in row[5:7]), row


def steady(text):
    """Without what depends on the machine."""
    lines = [line.split() for line in re.sub(r"latency: .*", "", text).splitlines()]
    return [cells[:5] + cells[7:] if cells[-1:] == ["yes"] else cells for cells in lines]


assert steady(text) == steady(same)
