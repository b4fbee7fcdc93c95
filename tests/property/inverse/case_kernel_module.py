"""Kernels with KVM and without."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts, Platform
from wslnet.resources.kernel_module import KernelModule

RESOURCE = KernelModule
PLATFORMS = st.none() | st.builds(
    Platform, cpu=st.sampled_from(["vmx", "svm", None]), kvm=st.booleans(), init=st.just("systemd")
)
STATES = PLATFORMS.map(lambda platform: LinuxFacts(platform=platform))
MODULES = st.sampled_from(["kvm_intel", "kvm_amd"])
CASES = st.tuples(STATES, st.builds(KernelModule, st.just("wsl"), MODULES, st.just("law")))
