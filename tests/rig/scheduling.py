"""Which xdist worker runs which test."""

from xdist.scheduler import LoadGroupScheduling

HOUSES = ("tests/e2e/", "tests/browser")


class OneHouseOneWorker(LoadGroupScheduling):
    """A folder that is one of HOUSES, or lies below one, is a group.

    Marks would say it too, but xdist 3.8 loses them under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        folder = nodeid.partition("::")[0].rpartition("/")[0]
        return folder if folder.startswith(HOUSES) else nodeid
