from admf_ray.space.parameters import parameters_text

VALUES = {"fast": 5.0, "band": 0.25, "side": "long", "n": 10, "risk.stop_loss_frac": 1.0}


def test_parameters_read_the_same_wherever_they_come_from():
    assert parameters_text(VALUES) == "fast=5, band=0.25, side=long, n=10, risk.stop_loss_frac=1"
    assert parameters_text(VALUES, own=True, names=False) == "5, 0.25, long, 10"
