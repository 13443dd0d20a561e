"""Reminders as calendar files: RFC 5545, by its limits."""

from datetime import date

from citybrain.http.applications.reminders import LINE_BYTES, calendar


def test_a_reminder_is_a_day_with_an_alarm_in_lines_that_are_not_too_long() -> None:
    text = "可以再申请：公积金提取（偿还住房贷款）, 一; 二" * 2
    said = calendar("a@b", date(2027, 3, 6), text)
    lines = said.split("\r\n")
    assert lines[-1] == ""
    assert all(len(line.encode()) <= LINE_BYTES for line in lines)
    whole = said.replace("\r\n ", "").split("\r\n")
    assert "DTSTART;VALUE=DATE:20270306" in whole
    assert "SUMMARY:" + text.replace(";", "\\;").replace(",", "\\,") in whole
    assert whole.count("BEGIN:VALARM") == 1
