"""Made-up people, addresses and numbers that look real and belong to nobody. No database here."""

import re
from datetime import date, timedelta
from random import Random

from faker import Faker

_FIRST_BIRTHDAY = date(1940, 1, 1)
_BIRTHDAYS = (date(2006, 12, 31) - _FIRST_BIRTHDAY).days
_MAIL_HOSTS = ("example.com", "mail.example.com", "example.net", "example.org")


class People:
    """A source of realistic values; what it gives depends on the random numbers it is given alone."""

    def __init__(self) -> None:
        self._faker = Faker("en_US")
        self._random = Random()

    def reseed(self, rng: Random) -> None:
        """Draw everything from `rng` from here on; making a new Faker per change would take a hundred times longer."""
        self._random = rng
        self._faker.seed_instance(rng.getrandbits(64))

    def first_name(self) -> str:
        """A first name."""
        return self._faker.first_name()

    def last_name(self) -> str:
        """A last name."""
        return self._faker.last_name()

    def birthday(self) -> date:
        """A day of birth of an adult; not reckoned from today, so that a seed gives the same one tomorrow."""
        return _FIRST_BIRTHDAY + timedelta(days=self._random.randrange(_BIRTHDAYS))

    def email(self, first_name: str, last_name: str) -> str:
        """An address of that person at a host reserved for examples; at most 100 characters."""
        names = (re.sub("[^a-z]", "", name.lower())[:30] for name in (first_name, last_name))
        mailbox = ".".join(filter(None, names)) or "customer"
        return f"{mailbox}{self._random.randrange(1, 1000)}@{self._random.choice(_MAIL_HOSTS)}"

    def phone(self) -> str:
        """A US number of the range kept for fiction (555-0100 to 555-0199), with an area code."""
        return f"{self._random.randrange(201, 990)}-555-01{self._random.randrange(100):02}"

    def street(self) -> str:
        """A house number and street, sometimes with an apartment."""
        return self._faker.street_address()

    def place(self) -> dict[str, str]:
        """City, state (two letters) and a zip code of that state."""
        state = self._faker.state_abbr(include_territories=False, include_freely_associated_states=False)
        return {"city": self._faker.city(), "state": state, "zipcode": self._faker.zipcode_in_state(state)}
