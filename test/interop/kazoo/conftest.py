"""Lets kazoo's own tests run against one server that KAZOO_SERVER_COMMAND, a JSON list, starts on KAZOO_SERVER_PORT."""
import atexit
import json
import os
import subprocess

import kazoo.testing.harness as harness


class Server:
    def __init__(self, command, port):
        self.command = command
        self.client_port = port
        self.process = None

    @property
    def address(self):
        return "127.0.0.1:%d" % self.client_port

    @property
    def running(self):
        return self.process is not None

    def run(self):
        if self.process is not None:
            return
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        assert b"listening" in line, line

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait()
        self.process = None


class Cluster(list):
    def start(self):
        for server in self:
            server.run()

    def stop(self):
        for server in self:
            server.stop()


CLUSTER = Cluster([Server(json.loads(os.environ["KAZOO_SERVER_COMMAND"]), int(os.environ["KAZOO_SERVER_PORT"]))])
atexit.register(CLUSTER.stop)
harness.get_global_cluster = lambda: CLUSTER
