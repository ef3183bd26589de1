"""The picture of a computation shows every value once, none on top of another."""

import itertools

import matplotlib.pyplot as plt

from course_lib.models.basics.scalar_autograd import Value, ingredients, neuron
from course_lib.teaching.graph_picture import graph_picture, places_of


def small_network() -> Value:
    x = [Value(0.5, "x1"), Value(-1.0, "x2")]
    hidden = [neuron(x, [Value(1.0), Value(2.0)], Value(0.1)) for _ in range(3)]
    result = neuron(hidden, [Value(0.3)] * 3, Value(0.0), "sigmoid")
    result.backward()
    return result


def test_boxes_do_not_overlap_and_parts_stand_left():
    order = ingredients(small_network())
    places = places_of(order)
    for (x1, y1), (x2, y2) in itertools.combinations(places.values(), 2):
        assert abs(x1 - x2) > 1 or abs(y1 - y2) > 0.99
    for value in order:
        assert all(places[id(part)][0] < places[id(value)][0] for part, _ in value.made_of)


def test_gradients_appear_from_the_result_back():
    result = small_network()
    count = len(ingredients(result))
    texts = []
    for revealed in (0, 1, 3, None):
        figure = graph_picture(result, revealed)
        texts.append(len(figure.axes[0].texts))
        plt.close(figure)
    arrows = sum(len(v.made_of) for v in ingredients(result))
    boxes = 2 * count + arrows  # an arrow is an annotation, which matplotlib counts as text
    assert texts == [boxes, boxes + 1, boxes + 3, boxes + count]
