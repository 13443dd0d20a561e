"""Valid identity numbers (GB 11643) for made-up people.

    python -m ops.simulators.applications.identity_numbers --born 1990-05-01 --serial 7

What departments know of a person follows from the number (`departments.people`): the third
character from the end is the circumstance, the one after it tells the two of a couple apart.
"""

import argparse
from datetime import date

from citybrain.domain.citizens import check_character

PROVINCE = "41"
A_REGION = 50  # couples who were born on one day, in one circumstance
REGIONS = 99 * 100


def identity_number(
    born: date, serial: int = 0, *, circumstance: int = 0, spouse: bool = False
) -> str:
    """The number of one of the people who were born on a day; another for each serial
    (below `A_REGION * REGIONS`; then they begin again)."""
    region, couple = divmod(serial % (A_REGION * REGIONS), A_REGION)
    first, last = divmod(couple, 5)
    prefecture, county = divmod(region + 2, 100)  # the first is 410102
    first_17 = (
        f"{PROVINCE}{prefecture % 99 + 1:02}{county:02}{born:%Y%m%d}"
        f"{first}{circumstance}{last * 2 + spouse}"
    )
    return first_17 + check_character(first_17)


def spouse_of(number: str) -> str:
    """The other one of a couple; empty for what is no such number."""
    if len(number) != 18 or not number[:17].isdecimal() or not number.isascii():
        return ""
    first_17 = number[:16] + str(int(number[16]) ^ 1)
    return first_17 + check_character(first_17)


def main() -> None:
    """Print a number."""
    parser = argparse.ArgumentParser(description="a valid identity number of a made-up person")
    parser.add_argument("--born", type=date.fromisoformat, required=True, help="YYYY-MM-DD")
    parser.add_argument("--serial", type=int, default=0, help="which of those born on that day")
    parser.add_argument("--circumstance", type=int, default=0, choices=range(10))
    given = parser.parse_args()
    print(identity_number(given.born, given.serial, circumstance=given.circumstance))


if __name__ == "__main__":
    main()
