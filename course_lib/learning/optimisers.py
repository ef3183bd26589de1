"""The optimiser that a plan names."""

import torch
from torch import nn
from torch.optim import Optimizer

from course_lib.learning.plan import Plan


def make_optimiser(model: nn.Module, plan: Plan) -> Optimizer:
    """An optimiser over the parameters of ``model`` that are to be trained.

    Raises ValueError when there are none (everything is frozen).
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise ValueError("The model has no parameter to train; are all of them frozen?")
    rate, decay = plan.learning_rate, plan.weight_decay
    if plan.optimiser == "adam":
        return torch.optim.Adam(parameters, lr=rate, weight_decay=decay)
    if plan.optimiser == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
    if plan.optimiser == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=rate, weight_decay=decay)
    return torch.optim.SGD(parameters, lr=rate, momentum=0.9, weight_decay=decay)
