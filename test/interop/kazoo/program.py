"""What a program does with kazoo, checked step by step: program.py host:port."""
import subprocess
import sys
import threading
import time

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import (
    BadVersionError, NodeExistsError, NoNodeError, NotEmptyError, NoChildrenForEphemeralsError,
    RolledBackError, RuntimeInconsistency,
)
from kazoo.protocol.connection import _CONNECTION_DROP
from kazoo.protocol.states import EventType
from kazoo.recipe.watchers import ChildrenWatch, DataWatch

HOSTS = sys.argv[1]
DYING = """
import sys, time
from kazoo.client import KazooClient
client = KazooClient(sys.argv[1], timeout=4)
client.start()
client.create("/program/orphan", ephemeral=True)
print("created", flush=True)
time.sleep(60)
"""
checks = 0


def check(what, holds):
    global checks
    assert holds, what
    checks += 1


def raises(error, call, *args, **options):
    try:
        call(*args, **options)
    except error:
        return True
    return False


def client(**options):
    made = KazooClient(HOSTS, timeout=options.pop("timeout", 10), **options)
    made.start(timeout=10)
    return made


def eventually(holds, seconds=15):
    until = time.time() + seconds
    while time.time() < until:
        if holds():
            return True
        time.sleep(0.02)
    return False


a, b = client(), client()
check("a session has an id and a password", a.client_id[0] != 0 and len(a.client_id[1]) == 16)
check("the version is told", a.server_version()[:2] == (3, 8))
check("srvr is answered", b"Mode: standalone" in a.command(b"srvr").encode())
check("ruok is answered", a.command(b"ruok") == "imok")

# Nodes.
a.ensure_path("/program/deep/path")
check("parents are made", b.exists("/program/deep") is not None)
check("create names the node", a.create("/program/n", b"one") == "/program/n")
check("create twice is refused", raises(NodeExistsError, a.create, "/program/n"))
check("create without a parent is refused", raises(NoNodeError, a.create, "/program/x/y"))
path, stat = a.create("/program/with-stat", b"abc", include_data=True)
check("create2 tells the stat", stat.data_length == 3 and stat.czxid == stat.mzxid and stat.version == 0)
data, stat = b.get("/program/n")
check("another client reads it", data == b"one" and stat.version == 0)
check("a set raises the version", a.set("/program/n", b"two").version == 1)
check("a set at the wrong version is refused", raises(BadVersionError, a.set, "/program/n", b"x", version=0))
check("a delete with children is refused", raises(NotEmptyError, a.delete, "/program/deep"))
a.delete("/program/deep", recursive=True)
check("a recursive delete leaves nothing", a.exists("/program/deep") is None)
names = [a.create("/program/s-", sequence=True) for _ in range(3)]
check("sequence nodes are in order", names == sorted(names) and len(set(names)) == 3)
children, stat = a.get_children("/program", include_data=True)
check("children are listed", len(children) == stat.children_count and "n" in children)
check("binary data comes back as it was", a.create("/program/bin", bytes(range(256))) and
      b.get("/program/bin")[0] == bytes(range(256)))
check("text in any language names a node", a.create("/program/键盘", b"") == "/program/键盘")

# Transactions.
transaction = a.transaction()
transaction.create("/program/t1", b"1")
transaction.check("/program/n", version=1)
transaction.set_data("/program/n", b"three")
transaction.delete("/program/with-stat")
results = transaction.commit()
check("a transaction is applied as one", results[0] == "/program/t1" and results[2].version == 2 and
      a.exists("/program/with-stat") is None)
transaction = a.transaction()
transaction.create("/program/t2")
transaction.delete("/program/none")
transaction.create("/program/t3")
results = transaction.commit()
check("a transaction that fails leaves nothing", isinstance(results[0], RolledBackError) and
      isinstance(results[1], NoNodeError) and isinstance(results[2], RuntimeInconsistency) and
      a.exists("/program/t2") is None)

# Watches.
seen = []
b.get("/program/n", watch=seen.append)
a.set("/program/n", b"four")
check("a data watch fires", eventually(lambda: seen) and seen[0].type == EventType.CHANGED)
seen_exists = []
b.exists("/program/soon", watch=seen_exists.append)
a.create("/program/soon")
check("a watch for creation fires", eventually(lambda: seen_exists) and seen_exists[0].type == EventType.CREATED)
order = []
a.get("/program/soon", watch=lambda event: order.append("event"))
a.set("/program/soon", b"x")
check("the event of one's own change is there with the reply", eventually(lambda: order == ["event"]))
lists, values = [], []
ChildrenWatch(b, "/program/soon", lambda each: lists.append(sorted(each)))
DataWatch(b, "/program/soon", lambda data, stat: values.append(data))
for i in range(5):
    a.create("/program/soon/%d" % i)
a.set("/program/soon", b"last")
check("a children watch sees the last list", eventually(lambda: lists and lists[-1] == list("01234")))
check("a data watch sees the last value", eventually(lambda: values and values[-1] == b"last"))

# Ephemeral nodes and sessions.
c = client()
c.create("/program/ephemeral", ephemeral=True)
check("an ephemeral node names its owner", a.get("/program/ephemeral")[1].ephemeralOwner == c.client_id[0])
check("it has no children", raises(NoChildrenForEphemeralsError, c.create, "/program/ephemeral/x"))
session = c.client_id
states = []
c.add_listener(states.append)
c._call(_CONNECTION_DROP, None)
check("a connection that breaks is resumed with the same session",
      eventually(lambda: states[-1:] == [KazooState.CONNECTED]) and c.client_id[0] == session[0])
check("and its ephemeral node is still there", a.exists("/program/ephemeral") is not None)
thief = KazooClient(HOSTS, client_id=(session[0], b"\0" * 16), timeout=10)
thief.start(timeout=10)
# ZooKeeper closes the rightful owner's connection before it looks at the password: the owner comes back.
check("a wrong password gives a session of one's own, and leaves its owner the other",
      thief.client_id[0] != session[0] and eventually(lambda: c.connected and c.client_id[0] == session[0]))
thief.stop()
gone = threading.Event()
a.exists("/program/ephemeral", watch=lambda event: gone.set())
c.stop()
check("it goes with its session", gone.wait(10) and a.exists("/program/ephemeral") is None)
c.close()
dying = subprocess.Popen([sys.executable, "-c", DYING, HOSTS], stdout=subprocess.PIPE)
dying.stdout.readline()
orphaned = threading.Event()
check("a process that has a node", a.exists("/program/orphan", watch=lambda event: orphaned.set()) is not None)
dying.kill()
check("loses it when it dies", orphaned.wait(20))

# Recipes.
lock_a, lock_b = a.Lock("/program/lock", "a"), b.Lock("/program/lock", "b")
check("a free lock is taken", lock_a.acquire(timeout=5))
check("a taken one is not", not lock_b.acquire(blocking=False))
check("contenders are in order", lock_a.contenders()[0] == "a")
lock_a.release()
check("a released one is", lock_b.acquire(timeout=5))
lock_b.release()
count = a.Counter("/program/count")
threads = [threading.Thread(target=lambda: [count.__add__(1) for _ in range(10)]) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
check("a counter counts every step", b.Counter("/program/count").value == 30)
leaders = []
leading, done = threading.Event(), threading.Event()


def lead():
    leaders.append(1)
    leading.set()
    done.wait(5)


elections = [threading.Thread(target=each.Election("/program/election").run, args=(lead,)) for each in (a, b)]
for thread in elections:
    thread.start()
check("an election has one leader", leading.wait(10) and len(leaders) == 1)
done.set()
for thread in elections:
    thread.join(10)
check("then the next leads", len(leaders) == 2)
queue = a.Queue("/program/queue")
for item in (b"1", b"2", b"3"):
    queue.put(item)
check("a queue gives what was put, in order", [b.Queue("/program/queue").get() for _ in range(3)] == [b"1", b"2", b"3"])

a.delete("/program", recursive=True)
for each in (a, b):
    each.stop()
    each.close()
print("%d checks passed" % checks)
