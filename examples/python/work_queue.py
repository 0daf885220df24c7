"""A queue of jobs and one of results in a manager's server, and those who use them from Python.

python3 work_queue.py serve | work PORT | produce PORT
"""
import queue
import sys
from multiprocessing.managers import BaseManager

HOST, KEY = '127.0.0.1', b'the secret of this example'


class QueueManager(BaseManager):
    pass


def serve():
    jobs, results = queue.Queue(), queue.Queue()
    QueueManager.register('jobs', callable=lambda: jobs)
    QueueManager.register('results', callable=lambda: results)
    server = QueueManager((HOST, 0), KEY).get_server()
    print(server.address[1], sys.version_info.minor, flush=True)
    server.serve_forever()


def connect(port):
    QueueManager.register('jobs')
    QueueManager.register('results')
    manager = QueueManager((HOST, int(port)), KEY)
    manager.connect()
    return manager.jobs(), manager.results()


def work(port):
    jobs, results = connect(port)
    while (job := jobs.get()) is not None:
        results.put({'n': job['n'], 'square': job['n'] ** 2, 'by': 'Python'})


def produce(port):
    jobs, results = connect(port)
    for n in range(20):
        jobs.put({'n': n})
    found = [results.get() for _ in range(20)]
    print(sum(each['square'] for each in found), {each['by'] for each in found}, flush=True)


if __name__ == '__main__':
    {'serve': serve, 'work': work, 'produce': produce}[sys.argv[1]](*sys.argv[2:])
