import json
import os
import unittest
import urllib.request

import posters


def faults(method, plan=None):
    """Controls the local platform: https://github.com/uselamina/lamina/blob/main/docs/dev.md#planned-faults"""
    data = None if plan is None else json.dumps(plan).encode()
    request = urllib.request.Request(
        os.environ["LAMINA_BASE_URL"] + "/dev/faults", data=data, headers={"content-type": "application/json"}, method=method
    )
    urllib.request.urlopen(request, timeout=30).close()


class PostersTest(unittest.TestCase):
    def setUp(self):
        faults("DELETE")

    def test_makes_a_png(self):
        self.assertEqual(posters.make_poster("Hello")[1:4], b"PNG")

    def test_says_which_input_is_wrong(self):
        with self.assertRaises(posters.Refused) as refused:
            posters.make_poster("Hello", style="Loud")
        self.assertEqual(refused.exception.code, "VALIDATION_ERROR")
        self.assertEqual(refused.exception.details[0]["field"], "style")

    def test_survives_a_service_that_fails_once(self):
        faults("POST", {"path": "/v1/runs/*", "status": 503})
        self.assertGreater(len(posters.make_poster("Patience")), 1000)

    def test_starts_no_second_run_when_the_service_fails(self):
        faults("POST", {"path": "/v1/apps/*", "method": "POST", "status": 503})
        with self.assertRaises(posters.Refused):
            posters.make_poster("Once")


if __name__ == "__main__":
    unittest.main()
