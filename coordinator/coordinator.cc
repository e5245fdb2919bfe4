#include "coordinator/coordinator.h"

#include "coordinator/trace.h"

namespace tholos::coordinator {

TraceHandle Coordinator::BeginTrace(TraceRequest /*request*/) { return nullptr; }

void Coordinator::EndTrace(TraceHandle /*trace*/) {}

}  // namespace tholos::coordinator
