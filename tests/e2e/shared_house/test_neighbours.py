"""Houses on one machine keep out of each other's way."""

from tests.rig.house import a_customer, a_home, running_house


def test_two_houses_live_side_by_side(house):
    with a_home() as home, running_house(home, WORKERS_MAX="1") as neighbour:
        for one in (house, neighbour):
            tenant = one.tenant()
            tenant.hears("Hello", a_customer())
            assert tenant.settled()[0]["status"] == "answered"
            assert len(tenant.sends()) == 1
        shared = {name for name, value in house.ready.items() if neighbour.ready[name] == value}
        assert shared == {"demo_meta_phone_number_id"}
