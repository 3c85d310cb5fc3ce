import resource, gc
from tests.unit.api.conftest import running_service, service
def rss(): 
    return int(open("/proc/self/statm").read().split()[1])*4//1024
def test_mem(service):
    for n in range(8):
        for i in range(10):
            item=service.item(); h=service.ask("POST", f"/v1/items/{item.id}/claim").json_body
            service.write(h,"reply",body={"text":"x"*1000})
        service.empty(); gc.collect(); print("scene", n, rss())
    for n in range(3):
        for i in range(300): service.ask("GET","/v1/agents/anna")
        gc.collect(); print("get", n, rss())
