"""A connection that nobody listens to: with a certificate that the client was told to trust, and not without."""

import os
import unittest

import iobeam as package
from iobeam import iobeam
from iobeam.http import request
from tests.platform_process import Platform, program


@unittest.skipIf(program() is None, "no `iobeam` program")
class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.platform = Platform("--tls-listen", "127.0.0.1:0", "--tls-self-signed")
        cls.addClassCleanup(cls.platform.close)
        cls.backend = "https://{}/v1/".format(cls.platform.tls_address)
        cls.certificate = os.path.join(cls.platform.folder, "data", "tls", "cert.pem")

    def builder(self, **options):
        return iobeam.ClientBuilder(self.platform.project, self.platform.token, backend=self.backend, **options)

    def test_with_the_certificate_readings_arrive_and_come_back(self):
        with self.builder(tls_ca=self.certificate).registerOrSetId("d").build() as client:
            client.createDataStore(["a"]).add(1, {"a": 1})
            self.assertIs(client.send(), True)
            self.assertEqual(client.sql("SELECT a FROM input").rows(), [{"a": 1.0}])

    def test_a_stranger_is_not_spoken_with(self):
        with self.assertRaisesRegex(package.NotSentError, "(?i)certificate|issuer"):
            self.builder().registerDevice("e").build()
        with self.assertRaises(ConnectionError):
            iobeam.makeQuery(self.platform.token, iobeam.QueryReq(1), self.backend)

    def test_a_file_without_a_certificate_is_named(self):
        for wrong in (self.platform.folder + "/nothing", __file__):
            with self.assertRaises((ValueError, OSError)):
                self.builder(tls_ca=wrong).build()
            with self.assertRaises((ValueError, OSError)):
                request.Requester(self.backend, tls_ca=wrong)


if __name__ == "__main__":
    unittest.main()
