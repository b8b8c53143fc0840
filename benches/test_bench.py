"""Tests of what scripts/bench computes and writes. What it measures is not tested here: it needs a quiet machine."""

import argparse
import hmac
import socket
import tempfile
import threading
import unittest
from unittest import mock
from xml.etree import ElementTree

from bench import chart, command, credentials, document, figures, load, sections, training
from bench.run import Run
from bench.sections import bodies, idle, instructions, routes, tokens
from bench.servers import Failed, Server, free_ports

ROUNDS = [
    {"a": {"us": 10.0}, "b": {"us": 5.0}},
    {"a": {"us": 40.0}, "b": {"us": 10.0}},
    {"a": {"us": 9.0}},
    {"a": {"us": 30.0}, "b": {"us": 10.0}},
]
WRK = """  Thread Stats   Avg      Stdev     Max   +/- Stdev
  Latency Distribution
     50%    1.50ms
     75%    2.00ms
     99%  900.00us
  5000 requests in 2.00s, 1.00MB read
"""


def options():
    return argparse.Namespace(binary="/bin/true", rounds=1, seconds=1)


class Figures(unittest.TestCase):
    def test_a_ratio_is_taken_within_rounds_that_have_both(self):
        self.assertEqual(figures.ratio(ROUNDS, "a", "b", "us"), (3.0, 2.0, 4.0))
        self.assertIsNone(figures.ratio(ROUNDS, "a", "absent", "us"))

    def test_a_spread_of_nothing_is_a_dash(self):
        self.assertEqual(figures.show(figures.spread([])), "–")
        self.assertEqual(figures.show(figures.spread([2.0])), "2.00")
        self.assertEqual(figures.show(figures.spread([1.0, 3.0, 1234.0]), 1), "3.0 (1.0 to 1,234.0)")

    def test_subjects_keep_the_order_in_which_they_were_measured(self):
        self.assertEqual(figures.subjects([{"b": {}}, {"a": {}, "b": {}}]), ["b", "a"])


class Loads(unittest.TestCase):
    def test_latencies_of_any_unit_are_microseconds(self):
        self.assertEqual(load.read_wrk(WRK), (5000, 0, 2.0, 1500.0, 900.0))

    def test_refusals_and_broken_connections_are_bad(self):
        text = WRK + "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 20\n"
        self.assertEqual(load.read_wrk(text).bad, 30)

    def test_no_answer_is_a_failure(self):
        for text in ("", "  0 requests in 2.00s, 0B read\n"):
            with self.assertRaises(Failed):
                load.read_wrk(text, "unable to connect")

    def test_a_load_that_does_not_end_is_ended(self):
        with mock.patch.object(load, "PATIENCE", 0.2), self.assertRaisesRegex(Failed, "the load did not end"):
            load.run(["sleep", "30"])

    def test_perf_counts_that_could_not_be_had_are_left_out(self):
        text = "100,,instructions:u,1,100.00,,\n<not supported>,,cycles:u,0,100.00,,\n7,,other,1,1,,\n"
        self.assertEqual(instructions.read(text), {"instructions:u": 100})


class Credentials(unittest.TestCase):
    def test_presigned_lines_are_of_one_length_and_genuine(self):
        with tempfile.NamedTemporaryFile("r") as file:
            credentials.presign(file.name, 3)
            lines = file.readlines()
        self.assertEqual({len(line) for line in lines}, {credentials.LINE})
        self.assertEqual(len(set(lines)), 3)
        time, signature = lines[2].split()
        message = f"{credentials.DEVICE}:{time}".encode()
        self.assertEqual(signature, hmac.new(b"secret-key", message, "sha256").hexdigest())

    def test_a_token_verifies_with_its_key(self):
        text, _, signature = credentials.token().rpartition(".")
        mac = hmac.new(credentials.TOKEN_KEY, text.encode(), "sha256").digest()
        self.assertEqual(signature, credentials.encoded(mac))


class Configs(unittest.TestCase):
    def test_every_port_of_a_config_moves_to_a_free_one_and_always_to_the_same(self):
        with tempfile.TemporaryDirectory() as directory:
            run = Run(options(), directory)
            text = run.moved("listen 127.0.0.1:9110; port_value: 9001 } server 127.0.0.1:9001 @DIR@/a")
            listen, origin = run.port(9110), run.port(9001)
            self.assertEqual(
                text, f"listen 127.0.0.1:{listen}; port_value: {origin} }} server 127.0.0.1:{origin} {directory}/a"
            )
            self.assertNotIn(listen, (9110, origin))

    def test_our_own_config_logs_into_the_runs_directory(self):
        with tempfile.TemporaryDirectory() as directory:
            run = Run(options(), directory)
            for name in ("bench.yaml", "countersign-bodies.yaml"):
                with open(run.config(name)) as file:
                    self.assertIn(f"{directory}/log/access.log", file.read())

    def test_routes_are_replaced_and_nothing_else(self):
        with tempfile.TemporaryDirectory() as directory:
            run = Run(options(), directory)
            with open(run.config("bench.yaml", lambda text: routes.routed(text, 3))) as file:
                text = file.read()
        self.assertEqual(text.count("require:"), 3)
        self.assertIn("\nreplay:", text)
        self.assertIn("/fleet/2/devices/{device}/status", text)

    def test_only_the_keys_of_tokens_are_replaced(self):
        run = mock.Mock(write=lambda name, text: f"/run/{name}")
        text = tokens.believing(run, "listen: x\ntokens:\n  bench: y\n\nupstreams:\n  app: z\n")
        self.assertTrue(text.startswith("listen: x\ntokens:\n  bench:\n    keys:\n"))
        self.assertTrue(text.endswith("audience: api\n\nupstreams:\n  app: z\n"))
        self.assertEqual([text.count(f"kid: {name},") for name in tokens.ALGORITHMS], [1] * len(tokens.ALGORITHMS))

    def test_idle_connections_stay_below_where_the_gateway_closes_them(self):
        self.assertEqual(idle.fitting(idle.FILES), idle.CONNECTIONS)
        for files in (4096, 20_000):
            self.assertLess(idle.fitting(files), (files - 64) // 2 * 19 // 20)


class Servers(unittest.TestCase):
    def test_a_port_that_is_taken_is_told(self):
        with tempfile.NamedTemporaryFile() as log, mock.patch("bench.servers.reachable", return_value=True):
            with self.assertRaisesRegex(Failed, "port 1 is taken"), Server("x", ["true"], 1, "0", log.name):
                pass

    def test_a_server_that_ends_at_once_is_told_with_its_last_words(self):
        with tempfile.NamedTemporaryFile() as log:
            server = Server("x", ["sh", "-c", "echo no such config; exit 3"], free_ports(1)[0], "0", log.name)
            with self.assertRaisesRegex(Failed, "x did not start: no such config"), server:
                pass
            self.assertEqual(server.pids(), [])


class Training(unittest.TestCase):
    def setUp(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        self.port = listener.getsockname()[1]
        threading.Thread(target=training.serve, args=(listener,), daemon=True).start()

    def test_small_requests_and_large_bodies_are_answered_round_after_round(self):
        training.exchange(self.port, 3, training.request, 200)
        training.exchange(self.port, 2, lambda: training.request(["X-A: b"], bytes(1024 * 1024)), 200)

    def test_another_answer_than_expected_is_a_failure(self):
        with self.assertRaisesRegex(Failed, r"answered \[200\], where 403 was expected"):
            training.exchange(self.port, 1, training.request, 403)

    def test_an_answer_that_breaks_off_is_a_failure(self):
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc")
            with self.assertRaises(ConnectionError):
                training.answer(ours)


class Documents(unittest.TestCase):
    def test_only_what_stands_between_markers_is_replaced(self):
        text = "a\n<!-- measured: x -->\nold\n<!-- end of x -->\nb\n<!-- measured: y -->\n<!-- end of y -->\n"
        after = document.replace(text, "x", r"new \1")
        self.assertEqual(after, text.replace("old", r"new \1"))
        self.assertEqual(document.replace(after, "x", r"new \1"), after)

    def test_a_missing_marker_is_an_error(self):
        with self.assertRaises(ValueError):
            document.replace("nothing", "x", "new")

    def test_the_document_has_a_place_for_every_section(self):
        with open(document.DOCUMENT) as file:
            text = file.read()
        for name in ("machine", *sections.MODULES):
            document.replace(text, name, "")

    def test_what_is_left_out_and_what_failed_is_said(self):
        result = {
            "date": "2026-01-01",
            "rounds": 1,
            "seconds": 2,
            "left_out": {"caddy": "not here", "envoy": "not here"},
            "failures": ["lean: no"],
        }
        text = document.footer(result)
        self.assertIn("Left out: caddy, envoy: not here", text)
        self.assertIn("lean: no", text)

    def test_saving_keeps_the_sections_that_were_not_measured(self):
        with tempfile.TemporaryDirectory() as directory:
            document.save(f"{directory}/f.json", {"idle": {"x": 1.23456789}})
            document.save(f"{directory}/f.json", {"routes": {"y": 2}})
            self.assertEqual(document.read(f"{directory}/f.json"), {"idle": {"x": 1.2346}, "routes": {"y": 2}})

    def test_sections_without_a_single_figure_can_still_be_shown(self):
        empty = {
            "rounds": [{}],
            "groups": {},
            "kinds": {},
            "callgrind": {},
            "counted": 1,
            "counts": {},
            "connections": 1,
            "few": 1,
            "many": 2,
            "rate": 1,
            "sizes": [bodies.KIB],
            "bytes": {"HS256": 338},
            "bare": None,
            "shared": True,
        }
        for name in sections.MODULES:
            self.assertIsInstance(sections.of(name).show(empty).text, str, name)


class Charts(unittest.TestCase):
    def draw(self, *values):
        bars = [chart.Bar("a < b", figures.Spread(value, value, value * 1.1), "ours") for value in values]
        return chart.bars("Title & more", "unit", [chart.Group("", bars), chart.Group("empty", [])])

    def test_a_chart_is_well_formed_and_has_title_unit_and_bars(self):
        root = ElementTree.fromstring(self.draw(1, 2.5, 0.01))
        space = "{http://www.w3.org/2000/svg}"
        texts = [each.text for each in root.iter(f"{space}text")]
        self.assertEqual(root.find(f"{space}title").text, "Title & more")
        self.assertEqual([each.get("class") for each in root.iter(f"{space}rect")].count("ours"), 3)
        self.assertTrue({"unit", "a < b", "2.50"} <= set(texts))
        self.assertNotIn("empty", texts)

    def test_the_axis_holds_the_largest_value_in_few_round_steps(self):
        for largest in (0.004, 0.3, 1, 4.99, 5.88, 77, 1000, 88_024):
            step, top = chart.scale(largest)
            self.assertGreaterEqual(top, largest)
            self.assertLessEqual(round(top / step), 6)
            self.assertLessEqual(top, largest * 2.5 + 0.05)


class Commands(unittest.TestCase):
    def test_nothing_asked_for_is_an_error(self):
        with mock.patch("sys.argv", ["bench"]), mock.patch("sys.stderr"), self.assertRaises(SystemExit):
            command.arguments("")

    def test_all_and_names_are_understood(self):
        with mock.patch("sys.argv", ["bench", "idle", "all", "--rounds", "9", "--write"]):
            given = command.arguments("")
        self.assertEqual((given.sections, given.rounds, given.write), (["idle", "all"], 9, True))


if __name__ == "__main__":
    unittest.main()
