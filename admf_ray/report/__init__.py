"""The report: one self-contained page on a run's folder."""

from admf_ray.report.writing import write_report

__all__ = ["write_report"]
