"""A data set and a network small enough to train in a second, for the tests of this folder."""

import sys
import time

import torch
from torch import nn
from torch.utils.data import Dataset

from course_lib.learning.losses import MultiLabelLoss
from course_lib.learning.plan import Plan
from course_lib.learning.trainer import fit


class Stripes(Dataset):
    """Noise with a bright row and/or a bright column: two labels that a tiny network can learn."""

    def __init__(self, cases=96, seed=0, size=12, pause_s=0.0):
        random = torch.Generator().manual_seed(seed)
        self.target = (torch.rand(cases, 2, generator=random) < 0.5).float()
        self.image = torch.randn(cases, 1, size, size, generator=random)
        self.image[:, 0, 4, :] += 1.5 * self.target[:, :1]
        self.image[:, 0, :, 7] += 1.5 * self.target[:, 1:]
        self.epoch, self.pause_s = 0, pause_s

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return len(self.target)

    def __getitem__(self, index):
        time.sleep(self.pause_s)
        shift = (index + self.epoch) % 3 - 1  # an augmentation that follows the epoch
        return {
            "image": self.image[index] + 0.1 * shift,
            "target": self.target[index],
            "known": torch.ones(2, dtype=torch.bool),
            "index": index,
            "patient_id": f"p{index // 2}",
        }


def small_net(seed=0, dropout=0.2):
    """A convolutional network with all that has a state: batch norm, dropout, momentum."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        nn.Linear(72, 2),
    )


def train_in(folder, pause_s=0.0, epochs=6, schedule="cosine"):
    """The run that the kill test interrupts."""
    plan = Plan(epochs=epochs, batch_size=16, learning_rate=0.01, schedule=schedule, seed=3)
    model = small_net()
    history = fit(model, Stripes(pause_s=pause_s), Stripes(48, 1), MultiLabelLoss(), plan, folder)
    return model, history


if __name__ == "__main__":
    torch.set_num_threads(1)
    train_in(sys.argv[1], pause_s=float(sys.argv[2]))
