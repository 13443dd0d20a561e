"""Simulated departments and a bank: real HTTP servers whose people follow from their numbers."""

from ops.simulators.applications.departments.servers import Departments, open_departments

__all__ = ["Departments", "open_departments"]
