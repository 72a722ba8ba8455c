"""Prints what scripts/prices/prices.ts reads from its two packages as JSON. It runs none of their code.

The first argument is a folder with both wheels, see CONTRIBUTING.md.
"""

import ast
import json
import pathlib
import sys
import zipfile


def value(node):
    """A literal, a call as a dictionary of its arguments, with its name as `_`, and any other name as text."""
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func)
        arguments = [value(each) for each in node.args]
        if name == "Decimal":
            return float(arguments[0])
        if name.endswith("date"):
            return "-".join(f"{part:02d}" for part in arguments)
        return {"_": name, **{each.arg: value(each.value) for each in node.keywords}}
    if isinstance(node, ast.List):
        return [value(each) for each in node.elts]
    if isinstance(node, ast.Dict):
        return {value(key): value(each) for key, each in zip(node.keys, node.values)}
    if isinstance(node, (ast.Attribute, ast.Name)):
        return ast.unparse(node)
    return ast.literal_eval(node)


def wheel(package):
    """The version and the archive of a package."""
    (found,) = pathlib.Path(sys.argv[1]).glob(f"{package}-*.whl")
    return found.name.split("-")[1], zipfile.ZipFile(found)


version, archive = wheel("genai_prices")
module = ast.parse(archive.read("genai_prices/data.py"))
(providers,) = [value(each.value) for each in module.body if isinstance(each, ast.AnnAssign)]
map_version, map_archive = wheel("litellm")
models = json.loads(map_archive.read("litellm/model_prices_and_context_window_backup.json"))
json.dump({"versions": [version, map_version], "providers": providers, "models": models}, sys.stdout)
