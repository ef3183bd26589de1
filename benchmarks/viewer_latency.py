"""How fast the viewer answers: one interaction after the other on a series of 512 x 512 x 64.

Run: python -m benchmarks.viewer_latency   (needs Chromium and its driver)

Two times are printed per interaction, in milliseconds: the drawing itself, and from the event to
the end of the frame that shows it (a browser waits for the next frame, up to 17 ms).
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from selenium import webdriver

from course_lib.teaching.viewer.page import write_page
from course_lib.teaching.viewer.viewer import Viewer
from course_lib.teaching.viewer.volume import volume_of

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000")
REPEATS = 40
# Each acts on the page as the browser's own event would; `i` counts the repeats.
INTERACTIONS = {
    "next slice, axial": "model.set('index', i % 64)",
    "window": "model.set('window', [40 + i, 400 + i])",
    "window and slice": "model.set('window', [40 + i, 300]); model.set('index', i % 64)",
    "coronal slice": "model.set('plane', 'coronal'); model.set('index', 100 + i)",
    "sagittal slice": "model.set('plane', 'sagittal'); model.set('index', 100 + i)",
    "zoom (wheel)": """canvas.dispatchEvent(new WheelEvent('wheel',
        {deltaY: i % 2 ? 100 : -100, ctrlKey: true, offsetX: 9, cancelable: true}))""",
    "draw a region of 300 x 300": """model.set('plane', 'axial');
        document.querySelector('[data-tool=ellipse]').click();
        const box = canvas.getBoundingClientRect();
        const at = (d) => ({clientX: box.x + 300 + d, clientY: box.y + 100 + d, bubbles: true,
            pointerId: 1, button: 0});
        canvas.setPointerCapture = () => 0;
        if (i === 0) canvas.dispatchEvent(new PointerEvent('pointerdown', at(0)));
        canvas.dispatchEvent(new PointerEvent('pointermove', at(280 + i)))""",
}
MEASURE = """
const act = (i, canvas) => { %s };
const done = arguments[0], canvas = document.querySelector("canvas"), times = [];
const frame = () => new Promise(requestAnimationFrame);
(async () => {
  for (let i = 0; i < %d; i++) {
    await frame();
    const before = +canvas.dataset.drawn, began = performance.now();
    act(i, canvas);
    while (+canvas.dataset.drawn === before) await frame();
    times.push([+canvas.dataset.drawMs, performance.now() - began]);
  }
  done(times);
})();"""


def series() -> np.ndarray:
    """A noisy chest-like volume, int16 (64, 512, 512), and a mask of its middle."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1:1:512j, -1:1:512j]
    slice_ = np.where(x**2 / 0.8 + y**2 / 0.5 < 1, 40.0, -1000.0)
    return np.rint(slice_ + rng.normal(0, 20, (64, 512, 512))).astype(np.int16)


def main() -> None:
    values = series()
    viewer = Viewer(volume_of(values, (2.5, 0.7, 0.7), "HU"), {"body": values > -300}, {}, "noise")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    with tempfile.TemporaryDirectory() as folder:
        for flag in (*FLAGS, f"--user-data-dir={folder}/profile"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
        try:
            driver.set_script_timeout(120)
            driver.get(write_page(viewer, Path(folder) / "viewer.html").as_uri())
            print("512 x 512 x 64 with a mask, ms   draw  worst  shown  worst")
            for name, act in INTERACTIONS.items():
                times = np.array(driver.execute_async_script(MEASURE % (act, REPEATS)))
                (draw, shown), (most, late) = np.median(times, 0), times.max(0)
                print(f"{name:32}{draw:7.1f}{most:7.1f}{shown:7.1f}{late:7.1f}")
        finally:
            driver.quit()


if __name__ == "__main__":
    main()
