"""The viewer on a page of its own, with a stand-in for Jupyter's model: browser tests use it."""

import base64
import json
from pathlib import Path

from course_lib.teaching.viewer.viewer import Viewer

PAGE = """<!doctype html><meta charset="utf-8"><style>body {{ margin: 8px }} {css}</style>
<div id="viewer"></div>
<script type="module">
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
class Model {{
  constructor(traits) {{ this.traits = traits; this.heard = []; this.saved = 0; }}
  get(name) {{ return this.traits[name]; }}
  set(name, value) {{
    this.traits[name] = value;
    this.heard.filter(([n]) => n === `change:${{name}}`).forEach(([, act]) => act());
  }}
  save_changes() {{ this.saved += 1; }}
  on(name, act) {{ this.heard.push([name, act]); }}
  off(name, act) {{ this.heard = this.heard.filter(([n, a]) => n !== name || a !== act); }}
}}
const traits = {traits};
traits.pixels = bytes(traits.pixels);
traits.labels = bytes(traits.labels);
window.model = new Model(traits);
const script = new Blob([{script}], {{ type: "text/javascript" }});
const {{ default: widget }} = await import(URL.createObjectURL(script));
window.stop_viewer = widget.render({{ model: window.model, el: document.getElementById("viewer") }});
</script>"""
NAMES = ("about", "window", "plane", "index", "magnification", "measurements")


def write_page(viewer: Viewer, folder: Path) -> str:
    """Write the page for `viewer` into `folder`; returns its address."""
    traits = {name: getattr(viewer, name) for name in NAMES}
    for name in ("pixels", "labels"):
        traits[name] = base64.b64encode(getattr(viewer, name)).decode()
    script = json.dumps(Viewer._esm).replace("</", "<\\/")
    file = folder / "viewer.html"
    file.write_text(
        PAGE.format(css=Viewer._css, traits=json.dumps(traits), script=script), encoding="utf-8"
    )
    return file.as_uri()
