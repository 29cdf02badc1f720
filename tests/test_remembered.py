from langchain_durable.remembered import Remembered


def test_the_newest_are_found_and_the_oldest_are_gone() -> None:
    memory: Remembered[int] = Remembered(10, 1000)
    for number in range(100):
        memory.put(number, number, 1)
    assert memory.get(99) == 99
    assert memory.get(90) == 90
    assert memory.get(50) is None


def test_it_holds_at_most_two_generations() -> None:
    memory: Remembered[int] = Remembered(10, 1000)
    for number in range(100):
        memory.put(number, number, 1)
        assert len(memory) <= 20


def test_it_holds_at_most_two_generations_of_bytes() -> None:
    memory: Remembered[int] = Remembered(1000, 100)
    for number in range(100):
        memory.put(number, number, 20)
        assert len(memory) <= 10


def test_a_giant_is_not_remembered() -> None:
    memory: Remembered[int] = Remembered(10, 100)
    memory.put("giant", 1, 99)
    assert memory.get("giant") is None


def test_a_falsy_item_is_found() -> None:
    memory: Remembered[int] = Remembered(10, 100)
    memory.put("zero", 0, 1)
    assert memory.get("zero") == 0
