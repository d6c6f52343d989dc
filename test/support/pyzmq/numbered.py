"""Messages that can be told apart: a number, bytes that follow from it, and now and then an empty part."""

import struct

BLOCK = bytes((i * 7 + (i >> 8)) & 255 for i in range(1024))


def parts(number):
    start = number % 256
    made = [struct.pack(">Q", number), BLOCK[start : start + number % 301]]
    if number % 10 == 0:
        made.append(b"")
    return made


class Tally:
    """Which numbers came, and how many messages were not what they should be."""

    def __init__(self):
        self.numbers = []
        self.torn = 0

    def add(self, message):
        if not message or len(message[0]) != 8:
            self.torn += 1
            return
        (number,) = struct.unpack(">Q", message[0])
        if message != parts(number):
            self.torn += 1
            return
        self.numbers.append(number)

    def summary(self):
        return {
            "count": len(self.numbers),
            "distinct": len(set(self.numbers)),
            "sum": sum(self.numbers),
            "torn": self.torn,
            "ordered": all(a < b for a, b in zip(self.numbers, self.numbers[1:])),
        }
