"""Writes vector files, or holds the committed ones against what would be written."""
import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent


def run(script, makers):
    """makers: {file name: function that returns its content}. With --check in the arguments nothing is written; exit
    status 1 when a file differs."""
    different = []
    for name, make in makers.items():
        text = json.dumps(make(), indent=1, ensure_ascii=False) + "\n"
        path = FOLDER / name
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            different.append(name)
    for name in different:
        print(f"{name} is not what {pathlib.Path(script).name} writes")
    return bool(different)
