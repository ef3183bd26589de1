"""In a real browser: the viewer scrolls, windows, zooms and measures, by mouse and by keyboard."""

import json
import re

import nbformat
import numpy as np
import pytest

from course_lib.dicom.spacing import Spacing
from course_lib.teaching.viewer.page import write_page
from course_lib.teaching.viewer.viewer import Viewer
from course_lib.teaching.viewer.volume import Volume, volume_of

STEPS = (3.0, 1.0, 1.5)  # mm: a voxel is taller, deeper and wider by turns


def body() -> np.ndarray:
    """A noisy ball of 300 HU in a block of 40 HU, (24, 96, 80) voxels."""
    z, y, x = np.mgrid[:24, :96, :80]
    values = np.where((np.abs(y - 48) < 40) & (np.abs(x - 40) < 30), 40.0, -1000.0)
    values[((x - 50) * 1.5) ** 2 + (y - 40) ** 2 + ((z - 12) * 3) ** 2 < 144] = 300
    return values + np.rint(np.random.default_rng(0).normal(0, 15, values.shape))


class ViewerPage:
    """A viewer on a page of its own, and the hand that uses it."""

    def __init__(self, driver, viewer: Viewer, folder) -> None:
        from selenium.webdriver.support.ui import WebDriverWait

        self.driver, self.viewer = driver, viewer
        driver.get(write_page(viewer, folder / "viewer.html").as_uri())
        WebDriverWait(driver, 30).until(lambda _: driver.find_elements("css selector", "canvas"))
        self.canvas = driver.find_element("css selector", "canvas")
        self.settle()

    def settle(self) -> None:
        """Wait until the browser has drawn what was asked for: nothing new for five frames."""
        self.driver.execute_async_script(
            """const [canvas, done] = arguments;
            let quiet = 0, seen = canvas.dataset.drawn;
            const look = () => {
                quiet = canvas.dataset.drawn && canvas.dataset.drawn === seen ? quiet + 1 : 0;
                seen = canvas.dataset.drawn;
                quiet === 5 ? done() : requestAnimationFrame(look);
            };
            requestAnimationFrame(look)""",
            self.canvas,
        )

    def trait(self, name: str):
        return json.loads(self.driver.execute_script(f"return JSON.stringify(model.get('{name}'))"))

    def hand(self):
        from selenium.webdriver import ActionChains

        return ActionChains(self.driver, duration=30)

    def choose(self, tool: str) -> None:
        self.driver.find_element("css selector", f"[data-tool={tool}]").click()

    def drag(self, start, end, button: int = 0) -> None:
        """Press a mouse button at `start`, let it go at `end` (pixels from the canvas' middle)."""
        from selenium.webdriver.common.actions.action_builder import ActionBuilder

        builder = ActionBuilder(self.driver, duration=30)
        pointer = builder.pointer_action
        pointer.move_to(self.canvas, *start).pointer_down(button)
        pointer.move_to(self.canvas, *end).pointer_up(button)
        builder.perform()
        self.settle()

    def click(self, *at) -> None:
        self.hand().move_to_element_with_offset(self.canvas, *at).click().perform()

    def keys(self, *keys: str) -> None:
        self.driver.execute_script("arguments[0].focus()", self.canvas)
        self.hand().send_keys(*keys).perform()
        self.settle()

    def picked(self, css: str):
        return self.driver.find_element("css selector", css)

    def grey_at(self, across: int, down: int) -> int:
        """The grey that the canvas shows, from its middle."""
        return self.driver.execute_script(
            """const c = arguments[0], s = c.width / c.clientWidth;
            const at = [c.clientWidth / 2 + arguments[1], c.clientHeight / 2 + arguments[2]];
            return c.getContext('2d').getImageData(at[0] * s, at[1] * s, 1, 1).data[0]""",
            self.canvas,
            across,
            down,
        )


@pytest.fixture
def open_viewer(browser, tmp_path):
    """Return a function that opens a volume in the viewer."""

    def start(volume=None, masks=None, **given) -> ViewerPage:
        volume = volume or volume_of(body(), STEPS, "HU")
        return ViewerPage(browser, Viewer(volume, masks or {}, given, "a ball"), tmp_path)

    return start


def in_picture(viewer: Viewer, measurement: dict) -> list:
    from course_lib.teaching.viewer.planes import to_picture

    plane = viewer.planes[measurement["plane"]]
    return [to_picture(plane, voxel) for voxel in measurement["points"]]


def assert_python_agrees(viewer: Viewer, measurement: dict) -> None:
    """The browser's numbers are those of course_lib.dicom.measure at the same points."""
    viewer.go(measurement["plane"], measurement["slice"])
    own = viewer.measure(measurement["kind"], in_picture(viewer, measurement))
    for name, value in own.items():
        expected = value if isinstance(value, str) else pytest.approx(value, rel=1e-9)
        assert measurement[name] == expected, name


def test_shapes_drawn_with_the_mouse_measure_as_python_does(open_viewer):
    page = open_viewer()
    for plane in ("axial", "coronal", "sagittal"):
        option = page.picked(f"[aria-label=plane] option[value={plane}]")
        option.click()
        page.choose("length")
        page.drag((-100, -60), (120, 40))
        page.choose("ellipse")
        page.drag((20, -80), (90, 0))
        page.choose("rectangle")
        page.drag((60, 120), (-150, 50))
        page.choose("angle")
        for at in ((-100, 150), (0, 100), (100, 160)):
            page.click(*at)
    page.settle()
    found = page.trait("measurements")
    assert [m["kind"] for m in found] == ["length", "ellipse", "rectangle", "angle"] * 3
    for measurement in found:
        assert_python_agrees(page.viewer, measurement)
    assert len(page.driver.find_elements("css selector", "ol li")) == 12


def test_a_length_over_the_ball_is_its_diameter(open_viewer, pictures):
    page = open_viewer(masks={"ball": body() > 200})
    scale = 480 / 96  # canvas pixels per mm: the picture's 96 mm fill the height without margins
    middle = (50 - 39.5) * 1.5 * scale, (40 - 47.5) * scale
    page.choose("length")
    for ends in (((-12, 0), (12, 0)), ((0, -12), (0, 12))):
        page.drag(
            *[[round(m + e * scale) for m, e in zip(middle, end, strict=True)] for end in ends]
        )
    page.driver.save_screenshot(str(pictures / "viewer.png"))
    for measurement in page.trait("measurements"):
        assert measurement["length"] == pytest.approx(24, abs=2 / scale)
        assert measurement["unit"] == "mm"


def test_the_value_under_the_cursor_is_the_stored_one(open_viewer):
    page = open_viewer()
    for down in (-100, 0, 90):
        page.hand().move_to_element_with_offset(page.canvas, 30, down).perform()
        page.settle()
        words = page.picked(".status").text.replace(",", "").replace(":", "").split()
        column, row, value = int(words[1]), int(words[3]), float(words[4])
        assert words[-1] == "HU"
        assert value == page.viewer.volume.values[page.trait("index"), row, column]


def test_right_drag_changes_the_window_and_the_greys_follow(open_viewer):
    page = open_viewer()
    page.drag((0, 0), (100, -90), button=2)  # right: wider; up: brighter
    centre, width = page.trait("window")
    assert width == pytest.approx(400 * np.exp(100 / 250), rel=1e-3)
    assert centre == pytest.approx(40 - 90 / 300 * 400, rel=1e-3)
    assert not page.trait("measurements")
    page.picked("[aria-label='window preset'] option[value=bone]").click()
    page.settle()
    assert page.trait("window") == [400, 1800]
    assert page.grey_at(-150, 150) == pytest.approx(255 * (40 - 400) / 1800 + 127.5, abs=8)


def test_wheel_keys_and_slider_scroll_the_slices(open_viewer):
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
    from selenium.webdriver.common.keys import Keys

    page = open_viewer()
    start = page.trait("index")
    origin = ScrollOrigin.from_element(page.canvas)
    page.hand().scroll_from_origin(origin, 0, 100).perform()
    page.settle()
    assert page.trait("index") == start + 1
    page.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert page.trait("index") == start - 1
    page.keys(Keys.END)
    assert page.trait("index") == 23
    page.keys(Keys.ARROW_UP)  # there is no slice beyond the last
    assert page.trait("index") == 23
    script = """return arguments[0].dispatchEvent(new WheelEvent("wheel",
        {deltaY: arguments[1], cancelable: true}))"""
    assert page.driver.execute_script(script, page.canvas, 100), "the page scrolls on"
    assert not page.driver.execute_script(script, page.canvas, -100), "the viewer scrolls back"
    page.picked("[aria-label=slice]").send_keys(Keys.HOME)
    assert page.trait("index") == 0


def test_zoom_and_pan_move_the_picture_but_not_the_millimetres(open_viewer):
    page = open_viewer()
    page.choose("length")
    page.drag((-50, 0), (50, 0))
    page.keys("+", "+")
    page.drag((-50, 60), (50, 60))
    page.choose("pan")
    page.drag((0, 0), (40, 30))
    page.choose("length")
    page.drag((-50, -60), (50, -60))
    first, zoomed, moved = (m["length"] for m in page.trait("measurements"))
    assert zoomed == pytest.approx(first / 1.25**2)
    assert moved == pytest.approx(zoomed)


def test_measurements_are_moved_undone_and_deleted(open_viewer):
    page = open_viewer()
    page.choose("length")
    page.drag((-60, 0), (60, 0))
    page.drag((60, 0), (60, 120))  # its end is a handle
    [moved] = page.trait("measurements")
    assert_python_agrees(page.viewer, moved)
    assert moved["length"] == pytest.approx(np.hypot(120, 120) / 5, rel=0.01)
    page.keys("x")
    assert page.trait("measurements")[0]["length"] == pytest.approx(24, rel=0.01)
    page.drag((-60, 50), (60, 50))
    page.picked("[aria-label='delete measurement 1']").click()
    page.settle()
    assert len(page.trait("measurements")) == 1
    page.keys("x")
    assert len(page.trait("measurements")) == 2


def test_a_hand_without_a_mouse_can_measure(open_viewer):
    from selenium.webdriver.common.keys import Keys

    page = open_viewer()
    page.keys("l", Keys.ARROW_RIGHT, Keys.ENTER, *[Keys.ARROW_RIGHT] * 8, Keys.ENTER)
    [found] = page.trait("measurements")
    assert found["length"] == pytest.approx(8 * 1.5)
    assert page.canvas.get_attribute("aria-label").startswith("a ball")


def test_fingers_measure_and_pinch(open_viewer):
    from selenium.webdriver.common.actions.action_builder import ActionBuilder
    from selenium.webdriver.common.actions.interaction import POINTER_TOUCH
    from selenium.webdriver.common.actions.pointer_input import PointerInput

    page = open_viewer()
    page.choose("length")
    fingers = [PointerInput(POINTER_TOUCH, name) for name in ("thumb", "finger")]

    def touch(finger, start, end) -> None:
        finger.create_pointer_move(duration=0, origin=page.canvas, x=start[0], y=start[1])
        finger.create_pointer_down()
        finger.create_pointer_move(duration=50, origin=page.canvas, x=end[0], y=end[1])
        finger.create_pointer_up(0)

    def perform(*used) -> None:
        builder = ActionBuilder(page.driver)
        builder.devices = list(used)
        builder.perform()
        page.settle()
        for finger in used:
            finger.clear_actions()

    touch(fingers[0], (-60, 0), (60, 0))
    perform(fingers[0])
    touch(fingers[0], (-20, 100), (-80, 100))  # apart: four times nearer
    touch(fingers[1], (20, 100), (80, 100))
    perform(*fingers)
    touch(fingers[0], (-60, -100), (60, -100))
    perform(fingers[0])
    before, after = (m["length"] for m in page.trait("measurements"))
    assert after == pytest.approx(before / 4, rel=0.05)


def test_a_film_measures_at_the_object_once_the_magnification_is_given(open_viewer):
    from selenium.webdriver.common.keys import Keys

    scale = Spacing(0.5, 0.5, "detector")
    page = open_viewer(Volume(body()[:1], "grey value", scale))
    page.choose("length")
    page.drag((-50, 0), (50, 0))
    box = page.picked("[aria-label=magnification]")
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys("1.25", Keys.ENTER)
    page.drag((-50, 50), (50, 50))
    on_film, at_object = page.trait("measurements")
    assert on_film["unit"] == "mm on the detector" and at_object["unit"] == "mm at the object"
    assert at_object["length"] == pytest.approx(on_film["length"] / 1.25)


def test_without_a_scale_lengths_are_pixels(open_viewer):
    page = open_viewer(Volume(body()[:1], "value"))
    page.choose("length")
    page.drag((-50, 0), (50, 0))
    assert page.trait("measurements")[0]["unit"] == "pixels"
    assert not page.driver.find_elements("css selector", "[aria-label=magnification]")


LESSON = """\
import numpy as np
from course_lib.teaching.viewer.viewer import view

z, y, x = np.mgrid[:64, :512, :512]
values = np.where((x - 256) ** 2 + (y - 256) ** 2 < 200**2, 40, -1000).astype(np.int16)
viewer = view(values, (2, 0.7, 0.7), unit="HU", alt="a cylinder")"""


def test_in_jupyterlab_a_full_series_opens_and_its_measurements_reach_python(
    page, open_lab, tmp_path_factory
):
    from selenium.webdriver import ActionChains

    work = tmp_path_factory.mktemp("viewer work")
    cells = [nbformat.v4.new_code_cell(LESSON)]
    cells.append(nbformat.v4.new_code_cell("print(viewer.measurements)"))
    about = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=about), work / "view.ipynb")
    tab = page(open_lab(work))
    tab.open("view.ipynb")
    tab.run_all()
    tab.wait("the viewer", lambda: tab.find(".course-viewer canvas[data-drawn]"), 60)
    canvas = tab.find(".course-viewer canvas")[0]
    tab.show(canvas)
    tab.find(".course-viewer [data-tool=length]")[0].click()
    hand = ActionChains(tab.driver, duration=30)
    hand.move_to_element_with_offset(canvas, -100, 0).click_and_hold()
    hand.move_to_element_with_offset(canvas, 100, 0).release().perform()
    ActionChains(tab.driver).send_keys("bdd").perform()  # keys of the notebook: not for it
    tab.wait("a measurement", lambda: tab.find(".course-viewer ol li"))
    told = float(tab.find(".course-viewer ol li")[0].text.split()[1])
    tab.look("viewer_in_lab")
    assert len(tab.find(".jp-Notebook .jp-CodeCell")) == 2
    tab.find(".jp-Notebook .jp-CodeCell .jp-InputArea-editor")[1].click()
    tab.choose("Run", "Run Selected Cell")
    said = tab.wait(
        "Python's answer",
        lambda: [e.text for e in tab.find(".jp-OutputArea-output pre") if "length" in e.text],
    )
    [length] = re.findall(r"'length': ([\d.]+)", said[-1])
    assert float(length) == pytest.approx(told, abs=0.5)
